/// <reference types="vite/client" />
import "vue-router";
import type { Role } from "@/api/session";

declare module "vue-router" {
  interface RouteMeta {
    /** Who finds this page in the navigation; what it asks of the API is checked there. */
    roles?: readonly Role[];
    /** The key of its title in the locale files. */
    title?: string;
    /** Whether the area's navigation lists it. */
    nav?: boolean;
    /** Pages that nobody has to be logged in for. */
    open?: boolean;
  }
}
