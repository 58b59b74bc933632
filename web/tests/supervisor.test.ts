import { describe, expect, it } from "vitest";
import listeningEn from "@/listening/locales/en";
import listeningZh from "@/listening/locales/zh";
import { budgetOf } from "@/supervisor/board/budget";
import { withCalls } from "@/supervisor/campaigns/hours";
import { asKind, controlOf, matters, type Setting, type Settings, valueOf, withValue } from "@/supervisor/campaigns/settings";
import { whatIfCourse } from "@/supervisor/campaigns/what_if";
import { chosen, ordered, type Row, visible } from "@/supervisor/collectors/rows";
import { type LadderLine, shortly, toneOf } from "@/supervisor/house/ladders";
import { asMapping, kindOf } from "@/supervisor/lists/importing";
import en from "@/supervisor/locales/en";
import zh from "@/supervisor/locales/zh";

describe("the abandonment budget", () => {
  it.each([
    [0, 0, "good", null],
    [100, 0, "good", 0],
    [100, 2.7, "warn", 0.9],
    [100, 3, "warn", 1],
    [100, 3.5, "bad", 3.5 / 3],
    [0, 1, "bad", null], // abandoned before anybody counted as live
  ])("of %s people with %s abandoned is %s", (live, abandoned, tone, spent) => {
    const budget = budgetOf(live, abandoned, 0.03);
    expect(budget.tone).toBe(tone);
    if (spent === null) expect(budget.spent).toBeNull();
    else expect(budget.spent).toBeCloseTo(spent, 9);
  });
});

function row(id: number, more: Partial<Row> = {}): Row {
  return { id, name: `Li ${id}`, login: `li${id}`, team: "", state: "ready", since: null, campaignIds: [], ...more };
}

describe("the grid of collectors", () => {
  const anybody = { text: "", state: "", team: "", campaignId: 0 } as const;
  const rows = [row(1), row(2, { state: "talking", team: "north", campaignIds: [7] }), row(3, { name: "王伟", login: "wang" })];

  it.each([
    [anybody, [1, 2, 3]],
    [{ ...anybody, text: " WANG " }, [3]],
    [{ ...anybody, state: "talking" as const }, [2]],
    [{ ...anybody, team: "north", campaignId: 7 }, [2]],
    [{ ...anybody, team: "north", campaignId: 8 }, []],
  ])("keeps those who are asked for: %o", (choice, ids) => {
    expect(chosen(rows, choice).map((one) => one.id)).toEqual(ids);
  });

  it("puts those who talk first, and equals by name", () => {
    expect(ordered(rows, "state", false).map((one) => one.id)).toEqual([2, 1, 3]);
    expect(ordered([row(2), row(1)], "state", true).map((one) => one.id)).toEqual([1, 2]);
  });

  it("puts the longest first by time, and those without a time last", () => {
    const since = [row(1), row(2, { since: "2026-11-23T02:00:05Z" }), row(3, { since: "2026-11-23T02:00:00Z" })];
    expect(ordered(since, "since", false).map((one) => one.id)).toEqual([3, 2, 1]);
  });

  it.each([
    [300, 0, 340, { first: 0, end: 16 }],
    [300, 3400, 340, { first: 94, end: 116 }],
    [300, 10_200, 340, { first: 294, end: 300 }], // scrolled to where rows were before a filter
    [3, 9_000, 340, { first: 3, end: 3 }],
    [0, 0, 340, { first: 0, end: 0 }],
  ])("draws of %s rows at %s px only what is in sight", (n, scrolled, height, span) => {
    expect(visible(n, 34, scrolled, height)).toEqual(span);
  });
});

describe("a campaign's settings", () => {
  const setting = (name: string, more: Partial<Setting> = {}): Setting =>
    ({ name, type: "number", unit: "", modes: ["predictive"], ...more }) as Setting;

  it.each([
    [setting("caller_ids", { type: "whole" }), "texts"],
    [setting("notice_prompt", { type: "text" }), "prompt"],
    [setting("abandon_target", { unit: "share" }), "share"],
    [setting("ring_timeout_s", { unit: "s" }), "number"],
    [setting("collecting.identity_check", { type: "boolean" }), "boolean"],
    [setting("form", { type: "whole" }), null],
  ])("are edited by what they are: %o", (one, control) => {
    expect(controlOf(one)).toBe(control);
  });

  it("matter in their modes, and where another one asks for them", () => {
    expect(matters(setting("power_ratio", { modes: ["power"] }), { mode: "predictive" })).toBe(false);
    expect(matters(setting("x"), { mode: "predictive" })).toBe(true);
    expect(matters(setting("machine_prompt"), { machine_action: "hang_up" })).toBe(false);
    expect(matters(setting("lost_person_cost_s"), { amd: "off" })).toBe(false);
  });

  it("are read and written in their part", () => {
    const before: Settings = { collecting: { debt_field: "amount" } };
    const after = withValue(before, "collecting.identity_check", false);
    expect(after.collecting).toEqual({ debt_field: "amount", identity_check: false });
    expect(valueOf(after, "collecting.identity_check")).toBe(false);
    expect(valueOf(withValue(before, "agency", "A"), "agency")).toBe("A");
  });
});

it("leaves no limits of another kind in a field of the form", () => {
  const limits = { choices: ["a"], least: 1, most_of_debt: 1, within_days: 7, workdays_only: true };
  const kept = { name: "when", label: "时间", label_en: "When", required_for: ["promise"] };
  expect(asKind({ ...kept, kind: "date", ...limits }, "boolean")).toEqual({ ...kept, kind: "boolean" });
});

it("counts what was abandoned from the day's beginning", () => {
  const quarter = { at: "", talking: 0, wrapping: 0, ready: 0, wait_median_s: null, wait_p90_s: 2 };
  const quarters = [{ ...quarter, live: 0, abandoned: 0 }, { ...quarter, live: 10, abandoned: 1 }, { ...quarter, live: 30, abandoned: 0 }];
  expect(whatIfCourse(quarters, "abandoned")).toEqual([null, 0.1, 0.025]);
  expect(whatIfCourse(quarters, "wait_p90_s")).toEqual([2, 2, 2]);
});

it("draws a day from its first call to its last", () => {
  const hours = (dials: number[]): { dials: number }[] => dials.map((n) => ({ dials: n }));
  expect(withCalls(hours([0, 0, 3, 0, 4, 0, 0])).map((hour) => hour.dials)).toEqual([0, 3, 0, 4, 0]);
  expect(withCalls(hours([0, 0]))).toHaveLength(2);
});

it("tells SIP messages apart", () => {
  const line = (status: number | null, start_line: string, method: string): LadderLine =>
    ({ after_ms: 0, sent: true, start_line, method, status, again: false, headers: [], audio: "" });
  const said = [line(null, "INVITE sip:*** SIP/2.0", "INVITE"), line(180, "SIP/2.0 180 Ringing", "INVITE"), line(486, "SIP/2.0 486 Busy Here", "INVITE")];
  expect(said.map(shortly)).toEqual(["INVITE", "180 Ringing", "486 Busy Here"]);
  expect(said.map(toneOf)).toEqual(["request", "provisional", "bad"]);
});

it("sends a file as what it is, with the meanings of its columns", () => {
  expect(kindOf({ name: "Liste.CSV" })).toBe("text/csv");
  expect(kindOf({ name: "list.pdf" })).toBe("");
  const columns = [
    { header: "手机", target: "phone" as const, field_name: "" },
    { header: "额度", target: "amount" as const, field_name: "limit" },
    { header: "备注", target: "ignore" as const, field_name: "note" },
  ];
  expect(asMapping(columns)).toEqual({ 手机: "phone", 额度: "amount:limit", 备注: "ignore" });
});

it("says everything in both languages", () => {
  const keys = (words: object, above = ""): string[] =>
    Object.entries(words).flatMap(([key, value]) => (typeof value === "object" ? keys(value as object, `${above}${key}.`) : [above + key]));
  expect(keys(zh)).toEqual(keys(en));
  expect(keys(listeningZh)).toEqual(keys(listeningEn));
});
