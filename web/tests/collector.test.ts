import { beforeEach, describe, expect, it } from "vitest";
import { allKept, draftOf, forget, keep, type Kept } from "@/collector/drafts";
import { isMeant, isTyping, type KeyPress, keyOf } from "@/collector/keys";
import { bodyOf, CALLBACK, centsOf, type Code, type Draft, emptyDraft, type Field, fieldsOf, type Form, problemsOf } from "@/collector/outcome";

const CODE: Code = {
  code: "", label: "", right_party: false, final: false, do_not_call: false, callback: false,
  not_a_conversation: false, promise: false, key: "", label_en: "",
};
const FIELD: Field = {
  name: "", kind: "text", label: "", choices: [], required_for: [], label_en: "",
  least: null, most_of_debt: null, within_days: null, workdays_only: false,
};
const FORM: Form = {
  codes: [
    { ...CODE, code: "promise", right_party: true },
    { ...CODE, code: "later", callback: true },
  ],
  fields: [
    { ...FIELD, name: "amount", kind: "amount", required_for: ["promise"] },
    { ...FIELD, name: "day", kind: "date", required_for: ["promise"] },
    { ...FIELD, name: "remark" },
  ],
};
const LIMITS = [
  { name: "amount", least: "10.00", most: "1200.50", first_day: null, last_day: null, workdays_only: false },
  { name: "day", least: null, most: null, first_day: "2026-11-23", last_day: "2026-12-23", workdays_only: false },
];
const NOW = Date.parse("2026-11-23T02:00:00Z");
const TIMES = { now: NOW, earliest: NOW + 3_600_000 };

function draft(code: string, values: Draft["values"] = {}, callbackAt = ""): Draft {
  return { code, values, callbackAt, note: "" };
}

function press(key: string, more: Partial<KeyPress> = {}): KeyPress {
  const none = { code: "", altKey: false, ctrlKey: false, metaKey: false, shiftKey: false };
  return { ...none, key, isComposing: false, repeat: false, defaultPrevented: false, ...more };
}

describe("amounts", () => {
  it.each([
    ["1200.50", 120050],
    ["1,200.5", 120050],
    ["１２００", 120000], // full-width digits of an input method
    ["¥ 3", 300],
    ["0.1", 10],
    ["", null],
    ["-3", null],
    ["1.234", null],
    ["1e3", null],
    ["12.", null],
  ])("reads %j as %j hundredths", (typed, cents) => {
    expect(centsOf(typed)).toBe(cents);
  });
});

describe("an outcome", () => {
  const promise = { amount: "600", day: "2026-11-30" };

  it("shows the fields of its code and those of none", () => {
    expect(fieldsOf(FORM, "promise").map((field) => field.name)).toEqual(["amount", "day", "remark"]);
    expect(fieldsOf(FORM, "later").map((field) => field.name)).toEqual(["remark"]);
  });

  it.each([
    [draft(""), "code", "noCode"],
    [draft("promise", { day: "2026-11-30" }), "amount", "needed"],
    [draft("promise", { ...promise, amount: "much" }), "amount", "noAmount"],
    [draft("promise", { ...promise, amount: "9.99" }), "amount", "tooLittle"],
    [draft("promise", { ...promise, amount: "1200.51" }), "amount", "tooMuch"],
    [draft("promise", { ...promise, day: "2026-11-22" }), "day", "tooEarly"],
    [draft("promise", { ...promise, day: "2026-12-24" }), "day", "tooLate"],
    [draft("later"), CALLBACK, "needed"],
    [draft("later", {}, "2026-11-23T01:59:00Z"), CALLBACK, "past"],
    [draft("later", {}, "2026-11-23T02:59:00Z"), CALLBACK, "notAllowedYet"],
  ])("%#: names what is wrong", (typed, field, key) => {
    expect([...problemsOf(typed, FORM, LIMITS, TIMES)].map(([name, problem]) => [name, problem.key])).toEqual([[field, key]]);
  });

  it("is right at its bounds", () => {
    expect(problemsOf(draft("promise", { amount: "1200.50", day: "2026-12-23" }), FORM, LIMITS, TIMES).size).toBe(0);
    expect(problemsOf(draft("later", {}, "2026-11-23T03:00:00Z"), FORM, LIMITS, TIMES).size).toBe(0);
  });

  it("sends only what belongs to its code", () => {
    const typed = { ...draft("later", { ...promise, remark: "" }, "2026-11-23T03:00:00Z"), note: " soon " };
    expect(bodyOf(typed, FORM, 7)).toEqual({
      attempt_id: 7, code: "later", values: {}, callback_at: "2026-11-23T03:00:00Z", note: "soon",
    });
    expect(bodyOf(draft("promise", { ...promise, amount: "1,200.5" }), FORM, 7).values).toEqual({
      amount: "1200.50", day: "2026-11-30",
    });
    expect(bodyOf({ ...typed, code: "promise" }, FORM, 7).callback_at).toBeNull();
  });
});

describe("drafts", () => {
  const kept = (attemptId: number, agentId = 1): Kept => ({
    attemptId, agentId, draft: draft("later"), form: FORM, numberMasked: "139****0000", at: attemptId,
  });
  beforeEach(() => sessionStorage.clear());

  it("come back, the newest first, and those of others are forgotten", () => {
    [kept(3), kept(5), kept(4, 2)].forEach(keep);
    expect(draftOf(3).code).toBe("later");
    expect(allKept(1).map((one) => one.attemptId)).toEqual([5, 3]);
    expect(sessionStorage.length).toBe(2);
    forget(5);
    expect(allKept(1).map((one) => one.attemptId)).toEqual([3]);
  });

  it("are none while nothing is typed, or what is stored cannot be read", () => {
    keep({ ...kept(3), draft: emptyDraft() });
    sessionStorage.setItem("collector.draft.4", "{");
    expect(allKept(1)).toEqual([]);
    expect(draftOf(4)).toEqual(emptyDraft());
  });
});

describe("keys", () => {
  it.each([
    [press("p", { code: "KeyP" }), "p"],
    [press("P", { code: "KeyP" }), "p"],
    [press("π", { code: "KeyP", altKey: true }), "p"],
    [press("Process", { code: "KeyP" }), "p"], // an input method is on
    [press("。", { code: "Period" }), "."],
    [press("？", { code: "Slash", shiftKey: true }), "?"],
    [press("Enter", { code: "NumpadEnter" }), "Enter"],
    [press("ArrowDown", { code: "ArrowDown" }), ""],
  ])("%#: are called as they are printed", (pressed, name) => {
    expect(keyOf(pressed)).toBe(name);
  });

  it.each([
    ["alone", { key: "p" }, press("p"), false, true],
    ["alone while something is typed", { key: "p" }, press("p"), true, false],
    ["with Alt while something is typed", { key: "p" }, press("p", { altKey: true }), true, true],
    ["a dangerous one alone", { key: ".", withAlt: true }, press("."), false, false],
    ["a dangerous one with Alt", { key: ".", withAlt: true }, press(".", { altKey: true }), true, true],
    ["the browser's own", { key: "p" }, press("p", { ctrlKey: true }), false, false],
    ["held down", { key: "p" }, press("p", { repeat: true }), false, false],
    ["inside a word that is being composed", { key: "p" }, press("p", { isComposing: true, altKey: true }), true, false],
  ])("%s", (_, command, pressed, typing, meant) => {
    expect(isMeant(command, pressed, typing)).toBe(meant);
  });

  it("write in fields, not in boxes and buttons", () => {
    const box = Object.assign(document.createElement("input"), { type: "checkbox" });
    expect([document.createElement("input"), document.createElement("textarea"), box, document.createElement("button")].map(isTyping)).toEqual([
      true, true, false, false,
    ]);
  });
});
