import { useSyncExternalStore } from "react";

/** Whether the page is visible. A hidden page should hold none of the six connections that a browser opens to a server. */
export function useVisible(): boolean {
  return useSyncExternalStore(
    (onChange) => {
      document.addEventListener("visibilitychange", onChange);
      return () => {
        document.removeEventListener("visibilitychange", onChange);
      };
    },
    () => !document.hidden,
  );
}
