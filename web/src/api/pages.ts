// A list that is read in pages: the first ones stay while the next is asked for.
import { computed, type ComputedRef, ref, type Ref, shallowRef } from "vue";
import { ApiProblem } from "@/api/client";

interface Page<T, C> {
  items: T[];
  next: C | null;
}

export interface Paged<T> {
  items: Ref<T[]>;
  problem: Ref<ApiProblem | null>;
  loading: Ref<boolean>;
  there: Ref<boolean>;
  /** Whether there is another page; the one there is may be empty. */
  more: ComputedRef<boolean>;
  /** Whether the next page is on its way, and why it did not come. */
  busy: Ref<boolean>;
  stuck: Ref<ApiProblem | null>;
  again: () => Promise<void>;
  next: () => Promise<void>;
}

/** Asks for the first page now; `question` gets the cursor of the page before. */
export function paged<T, C extends number | string>(question: (cursor: C | undefined) => Promise<Page<T, C>>): Paged<T> {
  const items = ref([]) as Ref<T[]>;
  const cursor = shallowRef<C | null>(null);
  const [problem, stuck] = [shallowRef<ApiProblem | null>(null), shallowRef<ApiProblem | null>(null)];
  const [loading, busy, there] = [ref(false), ref(false), ref(false)];
  let newest = 0;

  async function read(first: boolean): Promise<void> {
    const mine = ++newest;
    const [waits, why] = first ? [loading, problem] : [busy, stuck];
    [loading.value, busy.value, stuck.value] = [first, !first, null];
    try {
      const page = await question(first ? undefined : (cursor.value ?? undefined));
      if (mine !== newest) return; // a later question overtook this one
      items.value = first ? page.items : [...items.value, ...page.items];
      [cursor.value, there.value, why.value] = [page.next, true, null];
    } catch (cause) {
      if (mine === newest) why.value = cause instanceof ApiProblem ? cause : new ApiProblem({ detail: String(cause) }, 0);
    } finally {
      if (mine === newest) waits.value = false;
    }
  }

  const again = (): Promise<void> => read(true);
  const more = computed(() => cursor.value !== null);
  void again();
  return { items, problem, loading, there, more, busy, stuck, again, next: () => read(false) };
}
