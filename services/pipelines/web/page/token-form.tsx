import { useState, type ReactNode } from "react";
import { post } from "./api.ts";

/** Asks for the token that the command printed. */
export function TokenForm({ onOpen }: { readonly onOpen: () => void }): ReactNode {
  const [problem, setProblem] = useState("");
  const send = async (token: string): Promise<void> => {
    try {
      await post("/api/session", { token });
      onOpen();
    } catch {
      setProblem("This is not the token.");
    }
  };
  return (
    <main className="lock">
      <form
        className="card"
        onSubmit={(event) => {
          event.preventDefault();
          const token = new FormData(event.currentTarget).get("token");
          if (typeof token === "string") void send(token.trim());
        }}
      >
        <h1>Pipelines</h1>
        <label htmlFor="token">
          Token, as <code>ai-how pipeline web</code> printed it
        </label>
        <input id="token" name="token" type="password" autoComplete="off" autoFocus required />
        {problem !== "" && (
          <p role="alert" className="bad">
            {problem}
          </p>
        )}
        <button type="submit" className="primary">
          Open
        </button>
      </form>
    </main>
  );
}
