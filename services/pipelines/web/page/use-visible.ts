import { useSyncExternalStore } from "react";

/** Whether anybody sees the page: a browser opens six connections to a server, and a hidden page should hold none. */
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
