// A view's data with its states: loading, failed, there. Asked again by `again`, kept while it is asked again.
import { onScopeDispose, ref, type Ref } from "vue";
import { ApiProblem, unattended } from "./client";

export interface Asked<T> {
  data: Ref<T | null>;
  problem: Ref<ApiProblem | null>;
  loading: Ref<boolean>;
  again: () => Promise<void>;
}

/** Asks now; with `everyMs` again and again while the page is visible. */
export function asked<T>(question: () => Promise<T>, everyMs = 0): Asked<T> {
  const data = ref(null) as Ref<T | null>;
  const problem = ref<ApiProblem | null>(null);
  const loading = ref(true);
  let newest = 0;

  async function again(): Promise<void> {
    const mine = ++newest;
    loading.value = true;
    try {
      const answer = await question();
      if (mine !== newest) return; // a later question overtook this one
      data.value = answer;
      problem.value = null;
    } catch (cause) {
      if (mine !== newest) return;
      problem.value = cause instanceof ApiProblem ? cause : new ApiProblem({ detail: String(cause) }, 0);
    } finally {
      if (mine === newest) loading.value = false;
    }
  }

  void again();
  if (everyMs > 0) {
    const timer = window.setInterval(() => {
      if (document.visibilityState === "visible") void unattended(again);
    }, everyMs);
    onScopeDispose(() => window.clearInterval(timer));
  }
  return { data, problem, loading, again };
}
