// Pulumi's runner of policy packs compiles TypeScript at every start; what JavaScript imports, Node runs as it is.
import "./pack.ts";
