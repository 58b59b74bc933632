import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { effectScope, type EffectScope, nextTick } from "vue";
import type { Schemas } from "@/api/client";
import { useSession } from "@/api/session";
import { type Scoring, useScoring } from "@/qa/scoring";

const ME = 7;
const RECORDING = "20261123T020000-1";

/** What the service has, and how it answers: each PUT waits until it is let go. */
class Service {
  evaluation = draft(1, ME);
  others: Schemas["EvaluationOut"][] = [];
  puts: { revision: number; answers: Record<string, string | null> }[] = [];
  submitted: { revision: number }[] = [];
  waiting: ((status: number) => void)[] = [];

  answer = async (request: Request): Promise<Response> => {
    const path = new URL(request.url).pathname;
    if (request.method === "PUT") return this.keep(await request.json());
    if (path.startsWith("/v1/scorecard-versions/")) return said({ version_id: 3, content: CARD });
    if (path.endsWith("/submit")) this.submitted.push(await request.json());
    if (path.endsWith("/submit")) this.evaluation = { ...this.evaluation, state: "submitted" };
    if (path.endsWith("/withdraw")) this.evaluation = { ...this.evaluation, state: "withdrawn" };
    const all = [this.evaluation, ...this.others];
    if (path === "/v1/evaluations") return said({ items: all, next: null });
    return said(all.find((one) => path.startsWith(`/v1/evaluations/${one.evaluation_id}`)) ?? {});
  };

  async keep(body: Service["puts"][number]): Promise<Response> {
    this.puts.push(body);
    const status = await new Promise<number>((go) => this.waiting.push(go));
    if (status !== 200) return said({ title: "no" }, status);
    if (body.revision !== this.evaluation.revision) return said({ title: "somebody was faster" }, 409);
    this.evaluation = { ...this.evaluation, revision: body.revision + 1, answers: body.answers };
    return said(this.evaluation);
  }

  /** Answers the save that waits, once there is one. */
  async letGo(status = 200): Promise<void> {
    await vi.waitFor(() => expect(this.waiting).not.toHaveLength(0));
    this.waiting.shift()?.(status);
  }
}

const CARD = { sections: [{ words: {}, questions: ["a", "b"].map((key) => ({ key, kind: "yes_no" })) }] };

function draft(id: number, scorer: number): Schemas["EvaluationOut"] {
  const empty = { answers: {}, summary: "", score_bp: null, passed: null, fatal: [], dispute: null };
  const made = { evaluation_id: id, recording_id: RECORDING, version_id: 3, scorer_id: scorer, state: "draft", revision: 1 };
  return { ...empty, ...made } as unknown as Schemas["EvaluationOut"];
}

function said(body: object, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}

describe("scoring", () => {
  let service: Service;
  let scope: EffectScope;
  let scoring: Scoring;

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    service = new Service();
    vi.stubGlobal("fetch", service.answer);
    setActivePinia(createPinia());
    useSession().current = { account_id: ME, role: "qa" } as ReturnType<typeof useSession>["current"];
    scope = effectScope();
    scoring = scope.run(() => useScoring(() => RECORDING)) as Scoring;
    await scoring.load();
  });

  afterEach(() => {
    scope.stop();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  async function type(answers: Record<string, string>): Promise<void> {
    Object.assign(scoring.answers.value, answers);
    await nextTick();
  }

  it("submits the last answer although a save of the one before is under way", async () => {
    await type({ a: "yes" });
    void scoring.save();
    await type({ b: "no" });
    const submitting = scoring.submit();
    await service.letGo();
    await service.letGo();
    expect(await submitting).toBe(true);
    expect(service.puts.map((put) => [put.revision, put.answers])).toEqual([
      [1, { a: "yes" }],
      [2, { a: "yes", b: "no" }],
    ]);
    expect(service.submitted).toEqual([{ revision: 3 }]);
  });

  it("submits nothing that could not be kept, and tries to keep it again", async () => {
    await type({ a: "yes", b: "no" });
    const submitting = scoring.submit();
    await service.letGo(503);
    expect(await submitting).toBe(false);
    expect([scoring.saving.value, scoring.dirty.value, service.submitted]).toEqual([false, true, []]);
    await vi.advanceTimersByTimeAsync(6000);
    await service.letGo();
    await vi.waitFor(() => expect(scoring.dirty.value).toBe(false));
    expect(scoring.problem.value).toBe(null);
  });

  it("keeps what was typed during a save when the page is left", async () => {
    await type({ a: "yes" });
    void scoring.save();
    await type({ b: "no" });
    scope.stop();
    await service.letGo();
    await service.letGo();
    await vi.waitFor(() => expect(service.evaluation.answers).toEqual({ a: "yes", b: "no" }));
  });

  it("shows nothing of before to whoever is to score anew, but goes on with a draft", async () => {
    service.evaluation = { ...draft(1, ME), state: "final" };
    const anew = scope.run(() => useScoring(() => RECORDING)) as Scoring;
    await anew.load(undefined, true);
    expect([anew.current.value, anew.evaluations.value.length, anew.hasDraft.value]).toEqual([null, 1, false]);
    service.others = [draft(2, ME)];
    await anew.load(undefined, true);
    expect([anew.current.value?.evaluation_id, anew.hasDraft.value]).toEqual([2, true]);
  });

  it("leaves room for another draft when one is withdrawn", async () => {
    expect(scoring.hasDraft.value).toBe(true);
    await scoring.step("withdraw");
    expect([scoring.current.value, scoring.hasDraft.value]).toEqual([null, false]);
  });
});
