import { computed } from "vue";
import { describe, expect, it } from "vitest";
import type { Schemas } from "@/api/client";
import { peopleOf } from "@/qa/people";
import { asSearch, wantedOf } from "@/qa/search";

function person(account_id: number, name: string, role: Schemas["Role"], active = true): Schemas["PersonOut"] {
  return { account_id, name, role, active };
}

describe("people by name", () => {
  const people = peopleOf(computed(() => [person(1, "Li", "collector", false), person(2, "Li", "qa"), person(3, "Sun", "supervisor"), person(4, "Wang", "qa", false)]));

  it("gives work to those who may score and are still there", () => {
    expect(people.scorers.value.map((one) => one.account_id)).toEqual([2, 3]);
  });

  it("finds the calls of those who left, too, after the others", () => {
    expect(people.callers.value.map((one) => one.account_id)).toEqual([3, 1]);
  });

  it("tells two of one name apart, and shows whom nobody knows", () => {
    expect([1, 2, 3, 9].map(people.nameOf)).toEqual(["Li (1)", "Li (2)", "Sun", "9"]);
  });
});

describe("a search", () => {
  it("never turns what is no number into finding everything", () => {
    const body = asSearch(wantedOf({ agent_id: "abc", campaign_id: "7", far_share_from: "x", silence_share_to: "40" }));
    expect(body).toEqual({ agent_id: "abc", campaign_id: 7, far_share_from: "x", silence_share_to: 0.4 });
  });
});
