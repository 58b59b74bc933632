// What page and phone say to each other.
import type { Schemas } from "@/api/client";

export type ToPage = Schemas["PhoneToPage"];
export type FromPage = Schemas["PhoneFromPage"];
export type LineStats = Schemas["PhoneStats"];

/** What keeps the phone from working, as the key of its words. */
export type Trouble =
  | "insecure"
  | "denied"
  | "noMicrophone"
  | "microphoneBusy"
  | "microphoneFailed"
  | "unusable"
  | "sentAway";
