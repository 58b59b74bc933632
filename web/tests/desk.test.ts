import { createPinia, setActivePinia } from "pinia";
import { createApp } from "vue";
import { beforeEach, expect, it, vi } from "vitest";
import { ApiProblem } from "@/api/client";
import { type Session, useSession } from "@/api/session";
import { type Desk, type DeskView, provideDesk } from "@/collector/desk";

let there: DeskView;

async function opened(view: DeskView): Promise<Desk> {
  let desk: Desk | undefined;
  createApp({
    setup() {
      desk = provideDesk(7);
      return () => null;
    },
  }).mount(document.createElement("div"));
  if (desk === undefined) throw new Error("not mounted");
  await shows(desk, view);
  return desk;
}

/** Looks until the desk is as the service has it now. */
async function shows(desk: Desk, view: DeskView): Promise<void> {
  there = view;
  await vi.waitFor(async () => {
    await desk.look();
    expect(desk.view.value).toEqual(view);
  });
}

function inState(state: string, contactId = 0): DeskView {
  return { state, now: "2026-11-23T02:00:00Z", case: contactId ? { contact_id: contactId } : null } as DeskView;
}

beforeEach(() => {
  setActivePinia(createPinia());
  useSession().current = { account_id: 7 } as Session;
  vi.stubGlobal("fetch", async () => Response.json(there));
});

it("says why a preview was not dialed until other work comes", async () => {
  const desk = await opened(inState("preview", 1));
  const refused = new ApiProblem({ detail: "called too often today" }, 409);
  expect(await desk.act(() => Promise.reject(refused))).toBe(false);
  await shows(desk, inState("ready"));
  expect(desk.refusal.value?.message).toBe("called too often today");
  await shows(desk, inState("preview", 2));
  expect(desk.refusal.value).toBeNull();
});

it("says it no more when the next case took its place unseen", async () => {
  const desk = await opened(inState("preview", 1));
  await desk.act(() => Promise.reject(new ApiProblem({}, 409)));
  await shows(desk, inState("preview", 1));
  expect(desk.refusal.value).not.toBeNull();
  await shows(desk, inState("preview", 2));
  expect(desk.refusal.value).toBeNull();
});
