import { expect, it } from "vitest";
import { paged } from "@/api/pages";

interface Asked {
  cursor: string | undefined;
  answer: (page: { items: number[]; next: string | null }) => void;
  fail: (cause: unknown) => void;
}

function begun(): { pages: ReturnType<typeof paged<number, string>>; asked: Asked[] } {
  const asked: Asked[] = [];
  const pages = paged((cursor: string | undefined) => new Promise<{ items: number[]; next: string | null }>((answer, fail) => asked.push({ cursor, answer, fail })));
  return { pages, asked };
}

it("goes on after a page that is empty, and keeps what there is when one does not come", async () => {
  const { pages, asked } = begun();
  const first = pages.again();
  asked.at(-1)?.answer({ items: [], next: "b" });
  await first;
  expect([pages.there.value, pages.more.value, pages.items.value]).toEqual([true, true, []]);
  const next = pages.next();
  expect([pages.busy.value, pages.loading.value, asked.at(-1)?.cursor]).toEqual([true, false, "b"]);
  asked.at(-1)?.fail(new Error("away"));
  await next;
  expect([pages.busy.value, pages.stuck.value?.message, pages.problem.value, pages.more.value]).toEqual([false, "Error: away", null, true]);
});

it("forgets a further page of a search that another one replaced", async () => {
  const { pages, asked } = begun();
  asked[0]?.answer({ items: [1], next: "b" });
  await Promise.resolve();
  const [next, again] = [pages.next(), pages.again()];
  asked[2]?.answer({ items: [7], next: null });
  asked[1]?.answer({ items: [2], next: null });
  await Promise.all([next, again]);
  expect([pages.items.value, pages.more.value, pages.busy.value]).toEqual([[7], false, false]);
});
