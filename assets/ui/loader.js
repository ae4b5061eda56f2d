// Starts the app; a file of its own because the content security policy allows no inline scripts.
import init from "{{js}}";

init({ module_or_path: "{{wasm}}" });
