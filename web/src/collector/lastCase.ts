// Whose case was on the screen last, so that another of their numbers can be called after the wrap-up. Nothing of the
// debt is in it, and it is gone with the page.
import { type ShallowRef, shallowRef, watch } from "vue";
import type { Schemas } from "@/api/client";
import type { Desk } from "./desk";

export interface LastCase {
  personName: string;
  phoneId: number;
  phones: Schemas["PhoneView"][];
}

export function watchLastCase(desk: Desk): ShallowRef<LastCase | null> {
  const last = shallowRef<LastCase | null>(null);
  watch(desk.view, (view) => {
    const shown = view?.case;
    if (shown) last.value = { personName: shown.person_name, phoneId: shown.phone_id, phones: shown.phones };
    else if (view === null) last.value = null;
  });
  return last;
}
