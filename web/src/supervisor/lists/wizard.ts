// Importing step by step: what is imported is what was looked at, in the file, the country and the columns' meanings.
import { computed, type ComputedRef, ref, type Ref, type WritableComputedRef } from "vue";
import { ApiProblem } from "@/api/client";
import { type Column, type Imported, importFile, kindOf, type Preview, previewFile } from "./importing";

export interface Wizard {
  file: Ref<File | null>;
  name: Ref<string>;
  region: WritableComputedRef<string>;
  /** What each column means: as guessed, or as changed, which is looked at anew. */
  columns: WritableComputedRef<Column[]>;
  /** Of just this file, country and columns; null until they were looked at. */
  preview: Ref<Preview | null>;
  done: Ref<Imported | null>;
  problem: Ref<ApiProblem | null>;
  busy: ComputedRef<boolean>;
  /** Nothing may be changed any more. */
  isImporting: ComputedRef<boolean>;
  choose: (file: File | null) => void;
  look: () => Promise<void>;
  take: () => Promise<void>;
}

/** The service's part can be another one in tests. */
export function importWizard(service = { previewFile, importFile }): Wizard {
  const file = ref<File | null>(null);
  const name = ref("");
  const country = ref("CN");
  const meanings = ref<Column[] | null>(null);
  /** Those of the preview. */
  let seenMeanings: Column[] | null = null;
  const preview = ref<Preview | null>(null);
  const done = ref<Imported | null>(null);
  const problem = ref<ApiProblem | null>(null);
  const under = ref<"look" | "import" | null>(null);
  let newest = 0;

  const isImporting = computed(() => under.value === "import");
  const wanted = (): { region: string; columns: Column[] | null } => ({ region: country.value, columns: meanings.value });

  /** What was looked at is no longer what would be imported, and what is being looked at is of no interest. */
  function forget(): void {
    newest += 1;
    under.value = null;
    preview.value = problem.value = null;
  }

  /** Asks; an answer to an older question is not taken. */
  async function doing<T>(what: "look" | "import", question: Promise<T>, keep: (answer: T) => void): Promise<void> {
    const mine = ++newest;
    under.value = what;
    problem.value = null;
    try {
      const answer = await question;
      if (mine === newest) keep(answer);
    } catch (cause) {
      if (mine === newest) fail(cause);
    } finally {
      if (mine === newest) under.value = null;
    }
  }

  /** What could not be looked at is not what stays beside the preview. */
  function fail(cause: unknown): void {
    problem.value = cause instanceof ApiProblem ? cause : new ApiProblem({ detail: String(cause) }, 0);
    if (preview.value) meanings.value = seenMeanings;
  }

  function choose(chosen: File | null): void {
    const isOurs = name.value === "" || name.value === nameOf(file.value);
    forget();
    file.value = chosen;
    meanings.value = done.value = null;
    if (isOurs) name.value = nameOf(chosen);
  }

  async function look(): Promise<void> {
    if (!file.value || !kindOf(file.value) || isImporting.value) return;
    const asked = wanted();
    await doing("look", service.previewFile(file.value, asked), (seen) => {
      preview.value = seen;
      seenMeanings = asked.columns;
    });
  }

  async function take(): Promise<void> {
    if (!file.value || !preview.value || under.value !== null) return;
    const acceptValid = preview.value.broken_rows > 0;
    await doing("import", service.importFile(file.value, wanted(), name.value, acceptValid), (made) => (done.value = made));
  }

  const region = computed({
    get: () => country.value,
    set: (changed) => {
      country.value = changed;
      forget();
    },
  });
  const columns = computed({
    get: () => meanings.value ?? [...(preview.value?.columns ?? [])],
    set: (changed) => {
      if (isImporting.value) return;
      meanings.value = changed;
      void look();
    },
  });
  const busy = computed(() => under.value !== null);
  return { file, name, region, columns, preview, done, problem, busy, isImporting, choose, look, take };
}

/** Of the list, by its file. */
function nameOf(file: File | null): string {
  return file?.name.replace(/\.[^.]+$/, "") ?? "";
}
