import { describe, expect, it } from "vitest";
import { dispositionName, DISPOSITIONS } from "@/calls/dispositions";
import en from "@/calls/locales/en";
import zh from "@/calls/locales/zh";
import { verdictName } from "@/calls/verdicts";
import { language } from "@/i18n";
import { LABELS, MEANINGS } from "@/qa/terms";

describe("what several areas say of calls", () => {
  it("is there in both languages", () => {
    const keys = (words: object): string[] => Object.entries(words).flatMap(([group, names]) => [group, ...Object.keys(names as object)]);
    expect(keys(zh)).toEqual(keys(en));
    expect(Object.keys(en.label)).toEqual([...LABELS]);
    expect(Object.keys(en.meaning)).toEqual([...MEANINGS]);
    expect(Object.keys(en.disposition)).toEqual([...DISPOSITIONS]);
  });

  it.each([
    ["machine", "Machine"],
    ["dead_end", "Leads nowhere"],
    ["powered_off", "Switched off"],
    ["busy", "Busy"], // a tone or an announcement
    ["other_engine", "other_engine"],
  ])("names the verdict %s", (verdict, name) => {
    language.value = "en";
    expect(verdictName(verdict)).toBe(name);
    expect(dispositionName("busy")).toBe("Busy");
  });
});
