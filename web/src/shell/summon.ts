// A collector who looks at something else is brought back to the desk when a call or a case comes.
import { watch } from "vue";
import { useRouter } from "vue-router";
import { useLive } from "@/api/live";
import { useSession } from "@/api/session";

const DESK = "/collector";
const COMES = ["preview", "reserved", "talking"];

export function useSummons(): void {
  const router = useRouter();
  const session = useSession();
  const live = useLive();
  const desk = live.topic<{ state: string }>(() => `agent/${session.current?.account_id ?? 0}`);
  watch(
    () => desk.value?.state,
    (state) => {
      const isElsewhere = !router.currentRoute.value.path.startsWith(DESK);
      if (session.role === "collector" && state !== undefined && COMES.includes(state) && isElsewhere) void router.push(DESK);
    },
  );
}
