// One evaluation under the hands of its scorer: kept as it is filled in, never over somebody else's step.
import { computed, onScopeDispose, ref, shallowRef, watch } from "vue";
import { api, ApiProblem, ask, type Schemas } from "@/api/client";
import { useSession } from "@/api/session";
import { type Answers, unanswered } from "./asking";

type Evaluation = Schemas["EvaluationOut"];
const SAVE_AFTER_MS = 800;
const CONFLICT = 409;

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

  const editable = computed(
    () => current.value?.state === "draft" && current.value.scorer_id === session.current?.account_id,
  );
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
      if (problem.value.status === CONFLICT && current.value) await show(current.value.evaluation_id);
    }
  }

  async function load(wantedId?: number): Promise<void> {
    await guarded(async () => {
      const query = { recording_id: recordingId(), limit: 50 };
      evaluations.value = (await ask(api.GET("/v1/evaluations", { params: { query } }))).items;
      const open = evaluations.value.filter((one) => one.state !== "withdrawn");
      const mine = open.find((one) => one.scorer_id === session.current?.account_id);
      const chosen = open.find((one) => one.evaluation_id === wantedId) ?? mine ?? open[0];
      if (chosen) await show(chosen.evaluation_id);
    });
  }

  async function show(id: number): Promise<void> {
    const evaluation = await ask(api.GET("/v1/evaluations/{evaluation_id}", { params: { path: { evaluation_id: id } } }));
    if (version.value?.version_id !== evaluation.version_id) {
      const path = { version_id: evaluation.version_id };
      version.value = await ask(api.GET("/v1/scorecard-versions/{version_id}", { params: { path } }));
    }
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

  async function begin(versionId: number | null): Promise<void> {
    await guarded(async () => {
      const body = { recording_id: recordingId(), version_id: versionId };
      const begun = await ask(api.POST("/v1/evaluations", { body }));
      await show(begun.evaluation_id);
    });
  }

  /** Keeps what was filled in so far. */
  async function save(): Promise<void> {
    window.clearTimeout(timer);
    const [evaluation, given] = [current.value, { ...answers.value }];
    if (!evaluation || !editable.value || saving.value) return;
    saving.value = true;
    await guarded(async () => {
      const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Record<string, string | null>;
      const body = { revision: evaluation.revision, answers: known, summary: summary.value };
      const path = { evaluation_id: evaluation.evaluation_id };
      const saved = await ask(api.PUT("/v1/evaluations/{evaluation_id}/answers", { params: { path }, body }));
      const untouched = JSON.stringify(given) === JSON.stringify(answers.value) && body.summary === summary.value;
      current.value = saved;
      dirty.value = !untouched;
    });
    saving.value = false;
    if (dirty.value && problem.value === null) later();
  }

  function later(): void {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void save(), SAVE_AFTER_MS);
  }

  async function submit(): Promise<boolean> {
    tried.value = true;
    if (missing.value.length > 0) return false;
    await save();
    const evaluation = current.value;
    if (!evaluation || problem.value) return false;
    await step("submit");
    return problem.value === null;
  }

  /** Submits or withdraws it as it stands. */
  async function step(kind: "submit" | "withdraw"): Promise<void> {
    const evaluation = current.value;
    if (!evaluation) return;
    await guarded(async () => {
      const request = { params: { path: { evaluation_id: evaluation.evaluation_id } }, body: { revision: evaluation.revision } };
      if (kind === "submit") take(await ask(api.POST("/v1/evaluations/{evaluation_id}/submit", request)));
      else take(await ask(api.POST("/v1/evaluations/{evaluation_id}/withdraw", request)));
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
    window.clearTimeout(timer);
    if (dirty.value) void save();
  });

  return { evaluations, current, version, answers, summary, problem, saving, dirty, editable, missing, load, show, take, begin, save, submit, step };
}

export type Scoring = ReturnType<typeof useScoring>;
