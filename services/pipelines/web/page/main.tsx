import "./without-eval.ts";
import "@xyflow/react/dist/base.css";
import "./style.css";
import "./graph.css";
import "./log.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";

const root = document.getElementById("app");
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
