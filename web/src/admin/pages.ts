// A list that is read in pages: the first ones stay while the next is asked for.
import { ref, type Ref } from "vue";
import { ApiProblem } from "@/api/client";

interface Page<T> {
  items: T[];
  next: number | null;
}

export interface Paged<T> {
  items: Ref<T[]>;
  problem: Ref<ApiProblem | null>;
  loading: Ref<boolean>;
  there: Ref<boolean>;
  /** Whether there is another page. */
  more: Ref<boolean>;
  again: () => Promise<void>;
  next: () => Promise<void>;
}

/** Asks for the first page now; `question` gets the cursor of the page before. */
export function paged<T>(question: (cursor: number | undefined) => Promise<Page<T>>): Paged<T> {
  const items = ref([]) as Ref<T[]>;
  const problem = ref<ApiProblem | null>(null);
  const loading = ref(true);
  const there = ref(false);
  const more = ref(false);
  let cursor: number | null = null;
  let newest = 0;

  async function read(first: boolean): Promise<void> {
    const mine = ++newest;
    loading.value = true;
    try {
      const page = await question(first ? undefined : (cursor ?? undefined));
      if (mine !== newest) return; // a later question overtook this one
      items.value = first ? page.items : [...items.value, ...page.items];
      cursor = page.next;
      more.value = page.next !== null;
      there.value = true;
      problem.value = null;
    } catch (cause) {
      if (mine === newest) problem.value = cause instanceof ApiProblem ? cause : new ApiProblem({ detail: String(cause) }, 0);
    } finally {
      if (mine === newest) loading.value = false;
    }
  }

  const again = (): Promise<void> => read(true);
  void again();
  return { items, problem, loading, there, more, again, next: () => read(false) };
}
