// What the service pushes: the newest value of every topic, over one WebSocket for the whole page.
import { defineStore } from "pinia";
import { computed, type ComputedRef, reactive, ref } from "vue";
import { useSession } from "./session";
import { LastingSocket, type SocketEar } from "./socket";

/** More than twice what the service lets pass without a frame. */
const SILENCE_MS = 12_000;

type Frame = Record<string, Record<string, unknown> | null>;

export const useLive = defineStore("live", () => {
  const topics = reactive(new Map<string, Record<string, unknown>>());
  const connected = ref(false);
  /** Until the next frame: the first one after every hello has all topics. */
  let isFirst = true;
  const ear: SocketEar<Frame> = {
    opened() {
      connected.value = isFirst = true;
    },
    heard: take,
    lost(sentAway) {
      connected.value = false;
      if (sentAway) void useSession().check();
    },
  };
  const socket = new LastingSocket<Frame>("/v1/live", ear, { silenceMs: SILENCE_MS });

  function take(frame: Frame): void {
    // A service that began anew says of nothing it never knew that it is gone.
    if (isFirst) topics.clear();
    isFirst = false;
    for (const [topic, value] of Object.entries(frame)) {
      if (value === null) topics.delete(topic);
      else topics.set(topic, value);
    }
  }

  function open(): void {
    socket.open();
  }

  function close(): void {
    socket.close();
    connected.value = false;
    topics.clear();
  }

  /** The newest value of a topic; undefined while nothing is known of it. */
  function topic<T>(name: () => string): ComputedRef<T | undefined> {
    return computed(() => topics.get(name()) as T | undefined);
  }

  /** All topics that begin with `prefix`, by what follows it. */
  function under<T>(prefix: string): ComputedRef<Map<string, T>> {
    return computed(() => {
      const found = [...topics].filter(([name]) => name.startsWith(prefix));
      return new Map(found.map(([name, value]) => [name.slice(prefix.length), value as T]));
    });
  }

  return { topics, connected, open, close, topic, under };
});
