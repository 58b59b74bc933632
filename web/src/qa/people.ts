// Who takes calls and who scores them, by name: recordings and work bear numbers.
import { computed, type ComputedRef } from "vue";
import { asked } from "@/api/asked";
import { api, ask, type Schemas } from "@/api/client";
import { useSession } from "@/api/session";

type Person = Schemas["PersonOut"];
const SCORE: readonly Schemas["Role"][] = ["qa", "supervisor", "administrator"];
const CALL: readonly Schemas["Role"][] = ["collector", "supervisor"];

export interface People {
  /** Whom work can be given to. */
  scorers: ComputedRef<Person[]>;
  /** Who takes calls; those who left come last, and their recordings are still there. */
  callers: ComputedRef<Person[]>;
  /** The name, with the number where two bear the same; the number alone where no name is known. */
  nameOf: (accountId: number) => string;
}

/** Collectors may not list people, and see numbers. */
export function usePeople(): People {
  const mayNot = useSession().role === "collector";
  const { data } = asked(async () => (mayNot ? [] : (await ask(api.GET("/v1/people"))).items));
  return peopleOf(computed(() => data.value ?? []));
}

export function peopleOf(all: ComputedRef<readonly Person[]>): People {
  const names = computed(() => {
    const isOneOfSeveral = (one: Person): boolean => all.value.some((other) => other.name === one.name && other.account_id !== one.account_id);
    const named = (one: Person): string => (isOneOfSeveral(one) ? `${one.name} (${one.account_id})` : one.name);
    return new Map(all.value.map((one) => [one.account_id, named(one)]));
  });
  return {
    scorers: computed(() => all.value.filter((one) => one.active && SCORE.includes(one.role))),
    callers: computed(() => all.value.filter((one) => CALL.includes(one.role)).sort((one, other) => Number(other.active) - Number(one.active))),
    nameOf: (accountId) => names.value.get(accountId) ?? String(accountId),
  };
}
