// What makes a recording worth listening to, as the form has it and as the service takes it.
import type { Schemas } from "@/api/client";

type Settings = Schemas["CampaignOut"]["settings"];
type Status = Schemas["CaseStatus"];

/** Shares in percent; null, empty: not looked at. `grace` counts the days after the promised one. */
export interface Risks {
  longer_s: number | null;
  shorter_s: number | null;
  silence: number | null;
  overtalk: number | null;
  outcomes: string[];
  dispositions: Schemas["Disposition"][];
  statuses: Status[];
  promises: string[];
  promise_field: string;
  grace: number;
  words: string;
}

/** What a case may become; a case that is open has become nothing. */
export const STATUSES: readonly Status[] = ["complaint", "dispute", "bereavement", "hold", "withdrawn", "paid"];

export function noRisks(): Risks {
  return {
    longer_s: null,
    shorter_s: null,
    silence: null,
    overtalk: null,
    outcomes: [],
    dispositions: [],
    statuses: [],
    promises: [],
    promise_field: "",
    grace: 1,
    words: "",
  };
}

/** With the commas of both languages between. */
function listed(text: string): string[] {
  return text.split(/[,;\u3001\uff0c\uff1b]/).map((one) => one.trim()).filter(Boolean);
}

function part(percent: number | null): number | null {
  return percent === null ? null : percent / 100;
}

/** The request's part; of promises nothing where none is named: code and field belong together. */
export function asRisks(wish: Risks): Schemas["RisksIn"] {
  const broken = { promise_codes: wish.promises, promise_field: wish.promise_field, promise_grace_days: wish.grace };
  return {
    longer_than_s: wish.longer_s,
    shorter_than_s: wish.shorter_s,
    silence_above: part(wish.silence),
    overtalk_above: part(wish.overtalk),
    outcomes: wish.outcomes,
    dispositions: wish.dispositions,
    case_statuses: wish.statuses,
    words: listed(wish.words),
    ...(wish.promises.length > 0 ? broken : {}),
  };
}

/** Every code of these campaigns' forms once, those that are a promise first. */
export function codesOf(campaigns: readonly { settings: Settings }[]): Settings["form"]["codes"] {
  const codes = new Map(campaigns.flatMap((one) => one.settings.form.codes).map((code) => [code.code, code]));
  return [...codes.values()].sort((one, other) => Number(other.promise) - Number(one.promise));
}

/** The date fields of the forms, where a promise says until when. */
export function dateFieldsOf(campaigns: readonly { settings: Settings }[]): Settings["form"]["fields"] {
  const dates = campaigns.flatMap((one) => one.settings.form.fields).filter((field) => field.kind === "date");
  return [...new Map(dates.map((field) => [field.name, field])).values()];
}
