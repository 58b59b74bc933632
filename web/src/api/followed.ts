// Something the service works at beside everything else: looked at again and again until it is done.
import { onScopeDispose, ref, type Ref } from "vue";
import { ApiProblem, unattended } from "./client";

export interface Followed<T> {
  /** As it was last seen; null while there is none. */
  data: Ref<T | null>;
  /** Why it could not be begun or ended, or not be looked at in the first place. */
  problem: Ref<ApiProblem | null>;
  /** Asks what begins or ends it, and goes on looking while it is not done. */
  follow: (question: () => Promise<T>) => Promise<void>;
}

const NOT_FOUND = 404;

/** Looks at once whether there is one already; `latest` fails with 404 where there is none. */
export function followed<T>(latest: () => Promise<T>, isDone: (one: T) => boolean, everyMs: number): Followed<T> {
  const data = ref(null) as Ref<T | null>;
  const problem = ref<ApiProblem | null>(null);
  let newest = 0;
  let timer = 0;

  async function keep(question: () => Promise<T>, fail: (problem: ApiProblem) => void): Promise<void> {
    const mine = ++newest;
    window.clearTimeout(timer);
    try {
      const seen = await question();
      if (mine === newest) data.value = seen;
    } catch (cause) {
      if (mine === newest) fail(cause instanceof ApiProblem ? cause : new ApiProblem({ detail: String(cause) }, 0));
    }
    if (mine !== newest) return; // a later question overtook this one, or nobody looks any more
    if (data.value !== null && !isDone(data.value)) timer = window.setTimeout(() => void unattended(look), everyMs);
  }

  async function follow(question: () => Promise<T>): Promise<void> {
    problem.value = null;
    await keep(question, (failure) => (problem.value = failure));
  }

  async function look(): Promise<void> {
    await keep(latest, (failure) => {
      if (failure.status === NOT_FOUND) data.value = null;
      else if (data.value === null) problem.value = failure;
      // What cannot be seen for a moment is looked for again.
    });
  }

  onScopeDispose(() => {
    newest += 1;
    window.clearTimeout(timer);
  });
  void look();
  return { data, problem, follow };
}
