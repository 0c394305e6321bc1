/** What a task's commands must not see, and where tools keep their caches. Paths are relative to a home folder. */

/** Folders and files with credentials, histories (people paste keys), and other programs' sessions. */
export const SECRETS: readonly string[] = [
  // Keys and clouds
  ...[".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".oci", ".bluemix", ".config/gcloud", ".config/doctl"],
  ...[".config/gh", ".config/hub", ".config/glab-cli", ".config/sops", ".config/age", ".age", ".password-store"],
  ...[".config/op", ".1password", ".vault-token", ".terraform.d", ".databrickscfg", ".config/rclone", ".s3cfg"],
  ...[".boto", ".fly", ".wrangler", ".config/.wrangler", ".vercel", ".config/netlify", ".netlify", ".supabase"],
  ...[".heroku", ".config/stripe", ".config/ngrok", ".ngrok2", ".cloudflared", ".config/heroku", ".railway"],
  ...[".local/share/keyrings", ".local/share/kwalletd", ".pki", ".cert", ".minikube"],
  // Files with tokens
  ...[".netrc", "_netrc", ".npmrc", ".yarnrc.yml", ".pypirc", ".git-credentials", ".config/git/credentials"],
  ...[".cargo/credentials", ".cargo/credentials.toml", ".gem/credentials", ".m2/settings.xml"],
  ...[".gradle/gradle.properties", ".composer/auth.json", ".config/composer/auth.json", ".nuget/NuGet/NuGet.Config"],
  ...[".pgpass", ".my.cnf", ".mylogin.cnf", ".config/pip/pip.conf", ".pip/pip.conf", ".condarc", ".Renviron"],
  // Histories
  ...[".bash_history", ".zsh_history", ".local/share/fish/fish_history", ".python_history", ".node_repl_history"],
  ...[".psql_history", ".mysql_history", ".sqlite_history", ".lesshst", ".viminfo"],
  // Browsers and mail
  ...[".mozilla", ".config/google-chrome", ".config/chromium", ".config/BraveSoftware", ".config/microsoft-edge"],
  ...[".config/vivaldi", ".config/opera", ".thunderbird", "snap/firefox", "snap/chromium", ".var/app"],
  ...["Library/Keychains", "Library/Cookies", "Library/Application Support/Google/Chrome"],
  ...["Library/Application Support/Firefox", "Library/Safari", "Library/Mail", "Library/Messages"],
  // Messengers, wallets
  ...[".config/Slack", ".config/discord", ".config/Signal", ".bitcoin", ".ethereum", ".electrum"],
  // Other agents
  ...[".claude", ".claude.json", ".codex", ".gemini", ".cursor", ".config/github-copilot", ".copilot", ".qwen"],
  ...[".config/opencode", ".local/share/opencode", ".config/goose", ".local/share/goose", ".config/crush"],
  ...[".local/share/crush", ".config/amp", ".local/share/amp", ".continue", ".aider.conf.yml", ".pi", ".openclaw"],
  // This program, where its own places are the usual ones
  ...[".openkoi", ".local/share/openkoi"],
];

/** The same outside of homes, for a task that runs as root. */
export const SYSTEM_SECRETS: readonly string[] = [
  "/etc/shadow",
  "/etc/gshadow",
  "/etc/shadow-",
  "/etc/gshadow-",
  "/etc/ssl/private",
  "/etc/sudoers.d",
  "/etc/kubernetes",
  "/etc/rancher",
  "/var/lib/kubelet",
  "/var/lib/docker",
  "/var/lib/containerd",
];

/** Where sockets of the system's services lie. */
export const RUNTIME_FOLDER = "/run";

/** What programs need of it all the same: NixOS keeps its programs there, others the name servers and drivers. */
export const RUNTIME_VISIBLE: readonly string[] = [
  "/run/current-system",
  "/run/opengl-driver",
  "/run/systemd/resolve",
  "/run/resolvconf",
  "/run/NetworkManager",
];

/**
 * Folders that tools fill by themselves. A task sees what is there; what it writes goes to the project's own caches, so
 * that no task can poison those of the user. Where the folder is missing, the variable (if there is one) names a place.
 */
export const CACHES: readonly { folder: string; variable?: string }[] = [
  { folder: ".cache", variable: "XDG_CACHE_HOME" },
  { folder: ".npm", variable: "npm_config_cache" },
  { folder: ".yarn", variable: "YARN_GLOBAL_FOLDER" },
  { folder: ".local/share/pnpm" },
  { folder: ".bun/install/cache", variable: "BUN_INSTALL_CACHE_DIR" },
  { folder: ".cargo/registry" },
  { folder: ".cargo/git" },
  { folder: "go/pkg", variable: "GOMODCACHE" },
  { folder: ".gradle", variable: "GRADLE_USER_HOME" },
  { folder: ".m2/repository" },
  { folder: ".nuget/packages", variable: "NUGET_PACKAGES" },
  { folder: ".local/share/NuGet" },
  { folder: ".dotnet", variable: "DOTNET_CLI_HOME" },
  { folder: ".pub-cache", variable: "PUB_CACHE" },
  { folder: ".ccache", variable: "CCACHE_DIR" },
  { folder: ".hex", variable: "HEX_HOME" },
  { folder: ".mix", variable: "MIX_HOME" },
];
