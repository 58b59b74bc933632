// Something that is done to the house: busy while it lasts, and why it was refused.
import { ref, type Ref } from "vue";
import { useI18n } from "vue-i18n";
import { ApiProblem } from "@/api/client";
import { wordsOf } from "@/components/problems";

export interface Acting {
  busy: Ref<boolean>;
  refusal: Ref<string>;
  /** Whether it was done. */
  run: (work: () => Promise<unknown>) => Promise<boolean>;
}

export function acting(): Acting {
  const { t } = useI18n();
  const busy = ref(false);
  const refusal = ref("");

  async function run(work: () => Promise<unknown>): Promise<boolean> {
    busy.value = true;
    refusal.value = "";
    try {
      await work();
      return true;
    } catch (problem) {
      refusal.value = problem instanceof ApiProblem ? wordsOf(problem, t) : String(problem);
      return false;
    } finally {
      busy.value = false;
    }
  }

  return { busy, refusal, run };
}
