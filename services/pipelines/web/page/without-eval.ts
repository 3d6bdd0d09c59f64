import { z } from "zod";

// The page's policy forbids `eval`, which zod otherwise tries. Import this before any schema is used.
z.config({ jitless: true });
