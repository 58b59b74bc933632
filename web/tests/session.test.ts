import { createPinia, setActivePinia } from "pinia";
import { effectScope } from "vue";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { asked } from "@/api/asked";
import { api, ApiProblem, ask, csrfValue } from "@/api/client";
import { useSession } from "@/api/session";
import { wordsOf } from "@/components/problems";

const STALE = "send the csrf value of GET /v1/session as X-CSRF-Token";
let csrf = "first";
let isOver = false;
const sent: Request[] = [];

/** A service with one person, whose session may be over or another than the page's. */
async function answer(request: Request): Promise<Response> {
  sent.push(request);
  if (isOver) return Response.json({ detail: "over" }, { status: 401 });
  if (new URL(request.url).pathname === "/v1/session") {
    return Response.json({ account_id: 7, login: "wang", log_in: "oidc", role: "qa", csrf });
  }
  if (request.method === "GET") return Response.json({ items: [] });
  const isOurs = request.headers.get("X-CSRF-Token") === csrf;
  return isOurs ? Response.json({}) : Response.json({ detail: STALE }, { status: 403 });
}

beforeEach(async () => {
  setActivePinia(createPinia());
  vi.stubGlobal("fetch", answer);
  csrf = "first";
  isOver = false;
  await useSession().load();
  sent.length = 0;
});
afterEach(() => vi.useRealTimers());

describe("a session", () => {
  it("that ended goes on when its person logged in elsewhere", async () => {
    const session = useSession();
    isOver = true;
    await session.check();
    expect([session.ended, session.current, session.lastWay]).toEqual([true, null, "oidc"]);
    await session.check();
    expect(session.ended).toBe(true);
    isOver = false;
    csrf = "second";
    await session.check();
    expect([session.ended, session.current?.login, csrfValue()]).toEqual([false, "wang", "second"]);
  });

  it("that another tab replaced is taken over, and the next try is heard", async () => {
    csrf = "second";
    const act = () => ask(api.POST("/v1/agents/{agent_id}/ready", { params: { path: { agent_id: 7 } } }));
    const refused = await act().catch((problem: unknown) => problem);
    expect(wordsOf(refused as ApiProblem, String)).toBe("view.stale");
    await vi.waitFor(() => expect(csrfValue()).toBe("second"));
    await act();
  });

  it("is kept alive by people, not by what a page asks by itself", async () => {
    vi.useFakeTimers();
    const scope = effectScope();
    const question = scope.run(() => asked(() => ask(api.GET("/v1/break-codes")), 1000));
    await vi.advanceTimersByTimeAsync(1000);
    await question?.again();
    scope.stop();
    expect(sent.map((request) => request.headers.get("X-Unattended"))).toEqual([null, "1", null]);
  });
});

it("says of what is forbidden what the service says", () => {
  const words = "who asked for a deletion cannot allow it";
  expect(wordsOf(new ApiProblem({ detail: words }, 403), String)).toBe(words);
});
