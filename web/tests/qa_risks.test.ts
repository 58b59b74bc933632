import { describe, expect, it } from "vitest";
import type { Schemas } from "@/api/client";
import { asRisks, codesOf, dateFieldsOf, noRisks } from "@/qa/risks";

type Form = Schemas["CampaignOut"]["settings"]["form"];

function campaign(codes: [string, boolean][], fields: [string, string][] = []): { settings: Schemas["CampaignOut"]["settings"] } {
  const form = {
    codes: codes.map(([code, promise]) => ({ code, label: code, label_en: "", promise })),
    fields: fields.map(([name, kind]) => ({ name, kind, label: name, label_en: "" })),
  } as unknown as Form;
  return { settings: { form } as Schemas["CampaignOut"]["settings"] };
}

describe("a plan by risk", () => {
  it("looks for what the house has of calls, cases and promises", () => {
    const wish = { ...noRisks(), silence: 40, statuses: ["complaint" as const], dispositions: ["abandoned" as const] };
    const sent = asRisks({ ...wish, promises: ["ptp"], promise_field: "by", grace: 2, words: "律师\uff0c 法院, \u3001" });
    expect(sent).toMatchObject({ silence_above: 0.4, case_statuses: ["complaint"], dispositions: ["abandoned"] });
    expect(sent).toMatchObject({ promise_codes: ["ptp"], promise_field: "by", promise_grace_days: 2, words: ["律师", "法院"] });
  });

  it("says nothing of promises where none is named", () => {
    expect(Object.keys(asRisks({ ...noRisks(), promise_field: "by" })).filter((name) => name.startsWith("promise"))).toEqual([]);
  });

  it("offers each code and day of the forms once, promises first", () => {
    const both = [campaign([["busy", false], ["ptp", true]], [["by", "date"], ["sum", "amount"]]), campaign([["ptp", true]], [["by", "date"]])];
    expect(codesOf(both).map((one) => one.code)).toEqual(["ptp", "busy"]);
    expect(dateFieldsOf(both).map((one) => one.name)).toEqual(["by"]);
  });
});
