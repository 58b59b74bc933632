// One evaluation under the hands of its scorer: kept as it is filled in, never over somebody else's step.
import { computed, onScopeDispose, ref, shallowRef, watch } from "vue";
import { api, ApiProblem, ask, type Schemas } from "@/api/client";
import { useSession } from "@/api/session";
import { type Answers, unanswered } from "./asking";

type Evaluation = Schemas["EvaluationOut"];
const SAVE_AFTER_MS = 800;
const SAVE_AGAIN_AFTER_MS = 5000;
const CONFLICT = 409;
const PASSING: readonly number[] = [0, 401, 408, CONFLICT, 429];

function evaluationOf(id: number): Promise<Evaluation> {
  return ask(api.GET("/v1/evaluations/{evaluation_id}", { params: { path: { evaluation_id: id } } }));
}

function versionOf(id: number): Promise<Schemas["VersionOut"]> {
  return ask(api.GET("/v1/scorecard-versions/{version_id}", { params: { path: { version_id: id } } }));
}

function keep(evaluation: Evaluation, given: Answers, summary: string): Promise<Evaluation> {
  const answers = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Record<string, string | null>;
  const body = { revision: evaluation.revision, answers, summary };
  const path = { evaluation_id: evaluation.evaluation_id };
  return ask(api.PUT("/v1/evaluations/{evaluation_id}/answers", { params: { path }, body }));
}

/** What is shown to begin with: one's own, else any. */
function firstOf(open: readonly Evaluation[], me: number | undefined, onlyDraft: boolean): Evaluation | undefined {
  const mine = open.filter((one) => one.scorer_id === me);
  return onlyDraft ? mine.find((one) => one.state === "draft") : (mine[0] ?? open[0]);
}

/** Whether the same may be taken next time; other refusals are of what was said. */
function mayPass(problem: ApiProblem): boolean {
  return PASSING.includes(problem.status) || problem.status >= 500;
}

export function useScoring(recordingId: () => string) {
  const session = useSession();
  const evaluations = ref<Evaluation[]>([]);
  const current = shallowRef<Evaluation | null>(null);
  const version = shallowRef<Schemas["VersionOut"] | null>(null);
  const answers = ref<Answers>({});
  const summary = ref("");
  const problem = shallowRef<ApiProblem | null>(null);
  const saving = ref(false);
  const dirty = ref(false);
  const tried = ref(false);
  let timer = 0;
  let running: Promise<void> | null = null;
  let left = false;

  const editable = computed(
    () => current.value?.state === "draft" && current.value.scorer_id === session.current?.account_id,
  );
  /** Whether this person has begun to score the recording and not ended it. */
  const hasDraft = computed(() => evaluations.value.some((one) => one.state === "draft" && one.scorer_id === session.current?.account_id));
  const missing = computed(() =>
    version.value && tried.value ? unanswered(version.value.content, answers.value) : [],
  );

  async function guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      problem.value = null;
    } catch (cause) {
      problem.value = cause instanceof ApiProblem ? cause : new ApiProblem({ detail: String(cause) }, 0);
      // Somebody was faster, another tab perhaps: what they did is shown, what was typed here is not sent over it.
      if (problem.value.status === CONFLICT && current.value) await show(current.value.evaluation_id).catch(() => undefined);
    }
  }

  /** `anew`: nothing of before is shown, only a draft of one's own. */
  async function load(wantedId?: number, anew = false): Promise<void> {
    await guarded(async () => {
      const query = { recording_id: recordingId(), limit: 50 };
      evaluations.value = (await ask(api.GET("/v1/evaluations", { params: { query } }))).items;
      const open = evaluations.value.filter((one) => one.state !== "withdrawn");
      const wanted = open.find((one) => one.evaluation_id === wantedId);
      const chosen = wanted ?? firstOf(open, session.current?.account_id, anew);
      if (chosen) await show(chosen.evaluation_id);
    });
  }

  async function show(id: number): Promise<void> {
    const evaluation = await evaluationOf(id);
    if (version.value?.version_id !== evaluation.version_id) version.value = await versionOf(evaluation.version_id);
    take(evaluation);
  }

  function take(evaluation: Evaluation): void {
    current.value = evaluation;
    answers.value = { ...evaluation.answers };
    summary.value = evaluation.summary;
    dirty.value = false;
    const others = evaluations.value.filter((one) => one.evaluation_id !== evaluation.evaluation_id);
    evaluations.value = [evaluation, ...others];
  }

  /** Shows another evaluation of the recording, once what was typed into this one is kept. */
  async function open(id: number): Promise<void> {
    if (await settled()) await guarded(() => show(id));
  }

  /** A withdrawn draft leaves its place to the next one. */
  function drop(withdrawn: Evaluation): void {
    take(withdrawn);
    [current.value, version.value] = [null, null];
  }

  async function begin(versionId: number | null): Promise<void> {
    await guarded(async () => {
      const body = { recording_id: recordingId(), version_id: versionId };
      const begun = await ask(api.POST("/v1/evaluations", { body }));
      await show(begun.evaluation_id);
    });
  }

  /** Keeps what was filled in so far; of two at once, one. */
  function save(): Promise<void> {
    window.clearTimeout(timer);
    running ??= store().finally(() => (running = null));
    return running;
  }

  async function store(): Promise<void> {
    const [evaluation, given, said] = [current.value, { ...answers.value }, summary.value];
    if (!evaluation || !editable.value) return;
    saving.value = true;
    try {
      await guarded(async () => {
        current.value = await keep(evaluation, given, said);
        dirty.value = JSON.stringify(given) !== JSON.stringify(answers.value) || said !== summary.value;
      });
    } finally {
      saving.value = false;
    }
    if (!dirty.value) return;
    if (problem.value === null) later();
    else if (mayPass(problem.value)) later(SAVE_AGAIN_AFTER_MS);
  }

  function later(afterMs = SAVE_AFTER_MS): void {
    window.clearTimeout(timer);
    if (!left) timer = window.setTimeout(() => void save(), afterMs);
  }

  /** Everything typed is kept; false: it could not be. */
  async function settled(): Promise<boolean> {
    while (running !== null || (dirty.value && editable.value)) {
      await save();
      if (problem.value) return false;
    }
    return true;
  }

  async function submit(): Promise<boolean> {
    tried.value = true;
    if (missing.value.length > 0 || !(await settled())) return false;
    await step("submit");
    return problem.value === null;
  }

  /** Submits or withdraws it as it stands. */
  async function step(kind: "submit" | "withdraw"): Promise<void> {
    await running; // it changes the revision
    const evaluation = current.value;
    if (!evaluation) return;
    await guarded(async () => {
      const request = { params: { path: { evaluation_id: evaluation.evaluation_id } }, body: { revision: evaluation.revision } };
      if (kind === "submit") take(await ask(api.POST("/v1/evaluations/{evaluation_id}/submit", request)));
      else drop(await ask(api.POST("/v1/evaluations/{evaluation_id}/withdraw", request)));
    });
  }

  watch(
    [answers, summary],
    () => {
      if (!editable.value) return;
      const evaluation = current.value;
      const same = JSON.stringify(answers.value) === JSON.stringify(evaluation?.answers) && summary.value === evaluation?.summary;
      if (same) return;
      dirty.value = true;
      later();
    },
    { deep: true },
  );
  onScopeDispose(() => {
    left = true;
    window.clearTimeout(timer);
    void settled();
  });

  return { evaluations, current, version, answers, summary, problem, saving, dirty, editable, hasDraft, missing, load, open, take, begin, save, submit, step };
}

export type Scoring = ReturnType<typeof useScoring>;
