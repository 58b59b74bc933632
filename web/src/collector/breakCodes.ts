// Why no calls come for a while: the house's reasons, and what a state with one is called.
import { type Asked, asked } from "@/api/asked";
import { api, ask, type Schemas } from "@/api/client";
import { i18n } from "@/i18n";
import type { AgentState } from "./desk";
import { said } from "./words";

export type BreakCodes = Asked<Schemas["BreakCodeList"]>;

export function useBreakCodes(): BreakCodes {
  return asked(() => ask(api.GET("/v1/break-codes")));
}

/** The state in words, of a break with its reason. */
export function stateName(state: AgentState, cause: string, codes: BreakCodes): string {
  const name = i18n.global.t(`collector.states.${state}`);
  const code = state === "break" ? codes.data.value?.items.find((one) => one.code === cause) : undefined;
  return code === undefined ? name : `${name} · ${said(code.label)}`;
}
