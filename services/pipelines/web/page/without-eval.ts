import { z } from "zod";

// The page's policy forbids code made from text, which zod else tries. Has to come before any schema is used.
z.config({ jitless: true });
