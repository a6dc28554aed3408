//! Files with keys and tokens that are missing, empty, of somebody else or wrong: the pull ends with a sentence that says
//! what to do, Git shows it, and no secret is in any log or file of the state.

#![allow(missing_docs, clippy::unwrap_used, reason = "a story stops at what it did not expect")]

use world::fleet_host::{AGENT, FleetHost};
use world::machine::{Image, Machine};

const SECRET: &str = "ghp_hunter2hunter2hunter2";
const SSH: &str = "ssh://nixfleet@localhost/srv/configuration";
const WEB: &str = "http://localhost:8017/configuration/.git";
const PAST_GRACE: &str = r#", "remote": { "grace_tries": 1, "grace_seconds": 0 }"#;

/// The pull fails with these words, in its log, in the journal of operations, and as the reason of Git.
fn fails(host: &FleetHost<'_>, what: &str, words: &[&str]) {
    let said = host.must_fail("pull");
    let run = host.last_run("pull");
    assert_eq!(run.results, ["failed"], "{what}: {run:?}");
    let reason = host.reason("git");
    for word in words {
        for place in [&said, &run.detail, &reason] {
            assert!(place.contains(word), "{what}: no word of {word:?} in {place}");
        }
    }
    assert_eq!(run.detail.lines().count(), 1, "{what}: {}", run.detail);
    assert!(!said.contains("panicked"), "{what}: {said}");
    host.see(what, "-RRGG");
}

/// The secret is nowhere but in its own files.
fn nothing_is_told(machine: &Machine, secrets: &[&str]) {
    machine.succeed(&["journalctl", "--sync"]);
    let journal = machine.succeed(&["journalctl", "--no-pager", "--output=export"]);
    let metrics = machine.succeed(&["curl", "--silent", "--fail", "http://localhost:19931/metrics"]);
    for secret in secrets {
        assert!(!journal.contains(secret) && !metrics.contains(secret), "the secret is told");
        let found = machine.run(&["grep", "-rlF", "--", secret, "/var/lib/nixfleet", "/run/nixfleet"]);
        assert_eq!((found.code, found.stdout.as_str()), (Some(1), ""), "{found:?}");
    }
}

#[test]
fn ssh_keys() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    machine.shell(
        "mkdir /srv/keys && cd /srv/keys && ssh-keygen -q -t ed25519 -N '' -f good && ssh-keygen -q -t ed25519 -N '' -f other && \
         ssh-keygen -q -t ed25519 -N secret -f locked && cp good root && cp good open && echo garbage >garbage && : >empty && \
         mkdir directory && chown -R nixfleet: . && chown root: root && chmod 600 * && chmod 644 open && chmod 755 directory && \
         install -d -o nixfleet -g nixfleet -m 700 /var/lib/nixfleet/.ssh && \
         install -o nixfleet -g nixfleet -m 600 good.pub /var/lib/nixfleet/.ssh/authorized_keys && \
         sed 's/^/localhost /; s/ root@.*//' /etc/ssh/ssh_host_ed25519_key.pub >known && chmod 644 known",
    );
    let private = machine.read("/srv/keys/good");
    let private = private.lines().nth(2).unwrap();
    let known = r#", "known_hosts_file": "/srv/keys/known""#;
    let with_key = |key: &str| {
        host.configure_remote(SSH, &format!(r#", "ssh_key_file": "/srv/keys/{key}"{known}"#), PAST_GRACE);
    };
    with_key("good");
    host.must("pull");
    host.see("with the right key", "-GGGG");
    for (key, words) in [
        ("missing", &["cannot read the credential /srv/keys/missing", "check the path and its permissions"][..]),
        ("directory", &["cannot read the credential /srv/keys/directory", "it is not a file"]),
        ("root", &["cannot read the credential /srv/keys/root", "Permission denied", "check the path"]),
        ("open", &["refuses access", "may be read by others", "chmod 600"]),
        ("empty", &["refuses access", "/srv/keys/empty", "check that this file is a private key"]),
        ("garbage", &["refuses access", "/srv/keys/garbage", "check that this file is a private key"]),
        ("locked", &["refuses access"]),
        ("other", &["refuses access", "Permission denied", "configure another key"]),
    ] {
        with_key(key);
        fails(&host, key, words);
    }
    host.configure_remote(
        SSH,
        r#", "ssh_key_file": "/srv/keys/good", "known_hosts_file": "/srv/keys/none""#,
        PAST_GRACE,
    );
    fails(&host, "known hosts are missing", &["cannot read the credential /srv/keys/none"]);
    host.configure_remote(
        SSH,
        r#", "ssh_key_file": "/srv/keys/good", "known_hosts_file": "/srv/keys/empty""#,
        PAST_GRACE,
    );
    fails(&host, "no host is known", &["its key is not known here", "put it into the known hosts file"]);

    // A key of root, handed over by systemd.
    machine.write(
        "/etc/systemd/system/nixfleet-pull.service.d/credentials.conf",
        "[Service]\nLoadCredential=ssh-key:/srv/keys/root\nLoadCredential=known-hosts:/srv/keys/known\n",
    );
    machine.succeed(&["systemctl", "daemon-reload"]);
    host.configure_remote(SSH, "", PAST_GRACE);
    host.must("pull");
    host.see("with the key of root", "-GGGG");
    machine.succeed(&["rm", "/srv/keys/root"]);
    let said = host.must_fail("pull");
    // systemd itself does not start it; that it was not run is told all the same.
    assert!(said.contains("Failed to set up credentials") || said.contains("CREDENTIALS"), "{said}");
    host.see("nothing is known of the remote since", "-GGGG");
    nothing_is_told(&machine, &[private]);
}

/// No file has the token of root any more: systemd decrypts it for the pull and for the agent.
fn encrypted_for_this_host(host: &FleetHost<'_>) {
    let machine = host.machine;
    let agent = || format!("/etc/systemd/system/{AGENT}.d/credentials.conf");
    let pull = "/etc/systemd/system/nixfleet-pull.service.d/credentials.conf".to_owned();
    machine.shell(
        "systemd-creds encrypt --with-key=host --name=token /srv/tokens/root /etc/nixfleet/token.cred && rm /srv/tokens/root && \
         chmod 600 /etc/nixfleet/token.cred",
    );
    for drop_in in [&pull, &agent()] {
        machine.write(drop_in, "[Service]\nLoadCredentialEncrypted=token:/etc/nixfleet/token.cred\n");
    }
    machine.succeed(&["systemctl", "daemon-reload"]);
    host.must("pull");
    host.see("with the encrypted token", "-GGGG");
    host.start_agent();
    host.wait_for("the agent with the encrypted token", "GGGGG");
    machine.succeed(&["systemctl", "stop", AGENT]);
    // That of another host.
    machine.shell("sed --in-place 's/[A-Za-z]/x/g' /etc/nixfleet/token.cred");
    let said = host.must_fail("pull");
    assert!(said.contains("Failed to set up credentials") || said.contains("CREDENTIALS"), "{said}");
    machine.succeed(&["rm", &pull]);
}

/// systemd gave the agent a copy of the old token; nobody tells it that there is another one by now.
fn renewed_while_the_agent_runs(host: &FleetHost<'_>) {
    let machine = host.machine;
    machine.write(
        "/etc/systemd/system/nixfleet-agent.service.d/credentials.conf",
        "[Service]\nLoadCredential=token:/srv/secrets/token\n",
    );
    // As agenix and sops-nix do it: a directory of its own for each switch, and a link to the newest.
    let write = |generation: &str, token: &str| {
        machine.shell(&format!(
            "mkdir --parents --mode=751 /srv/secrets.d/{generation} && cd /srv/secrets.d/{generation} && \
             (umask 077 && echo {token} >token) && ln --symbolic --force --no-dereference $PWD /srv/secrets"
        ));
    };
    let process = || machine.succeed(&["systemctl", "show", "--property=MainPID", "--value", AGENT]);
    write("1", SECRET);
    machine.succeed(&["systemctl", "daemon-reload"]);
    host.start_agent();
    host.wait_for("the agent with the token of root", "GGGGG");
    let before = process();
    write("2", SECRET);
    host.look();
    assert_eq!(process(), before, "as long as all goes well it runs on");
    machine.write("/srv/token-wanted", "ghp_tuna3tuna3tuna3");
    machine.succeed(&["systemctl", "reload", AGENT]);
    host.wait_for("the old token is revoked", "GRRGG");
    write("3", "ghp_tuna3tuna3tuna3");
    host.wait_for("the new one is in its place", "GGGGG");
    assert_ne!(process(), before);
    assert!(machine.journal(AGENT).contains("a credential of nixfleet-agent.service was renewed"));
}

/// A web server that wants this token, over git's own http-backend.
const SERVER: &str = r#"
import base64, http.server, os, subprocess, sys
def wanted():
    return "Basic " + base64.b64encode(("x-access-token:" + open("/srv/token-wanted").read().strip()).encode()).decode()
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != wanted():
            self.send_response(401); self.send_header("WWW-Authenticate", "Basic realm=\"test\""); self.send_header("Content-Length", "0"); self.end_headers()
            return
        path, _, query = self.path.partition("?")
        environment = dict(os.environ, GIT_PROJECT_ROOT="/srv", GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path, QUERY_STRING=query, REQUEST_METHOD=self.command,
            CONTENT_TYPE=self.headers.get("Content-Type", ""), CONTENT_LENGTH=str(len(body)), REMOTE_ADDR="127.0.0.1")
        head, _, content = subprocess.run(["git", "http-backend"], input=body, env=environment, stdout=subprocess.PIPE).stdout.partition(b"\r\n\r\n")
        self.send_response(200)
        for line in head.decode().splitlines():
            self.send_header(*line.split(": ", 1))
        self.send_header("Content-Length", str(len(content))); self.end_headers(); self.wfile.write(content)
    do_GET = do_POST = answer
    def log_message(self, *arguments): pass
http.server.ThreadingHTTPServer(("127.0.0.1", 8017), Handler).serve_forever()
"#;

#[test]
fn tokens() {
    let Some(image) = Image::get() else { return };
    let machine = Machine::boot(&image, "web1");
    let host = FleetHost::settled(&machine);
    machine.write("/srv/token-wanted", SECRET);
    machine.write("/srv/server.py", SERVER);
    machine.succeed(&["systemd-run", "--quiet", "--unit=web", "--uid=nixfleet", "python3", "/srv/server.py"]);
    machine.shell("until curl --silent --output /dev/null http://localhost:8017/; do sleep 0.05; done");
    let wrong = "ghp_swordfish2swordfish2";
    machine.shell(&format!(
        "mkdir /srv/tokens && cd /srv/tokens && echo {SECRET} >good && echo {SECRET} >root && echo {wrong} >wrong && : >empty && \
         printf '{wrong}\\nsecond\\n' >lines && printf '\\377\\376' >binary && mkdir directory && chown -R nixfleet: . && \
         chmod 600 good wrong empty lines binary root && chown root: root"
    ));
    let with_token = |token: &str| {
        host.configure_remote(WEB, &format!(r#", "token_file": "/srv/tokens/{token}""#), PAST_GRACE);
    };
    with_token("good");
    host.must("pull");
    host.see("with the right token", "-GGGG");
    for (token, words) in [
        ("missing", &["cannot read the credential /srv/tokens/missing", "check the path and its permissions"][..]),
        ("directory", &["cannot read the credential /srv/tokens/directory", "it is not a file"]),
        ("root", &["cannot read the credential /srv/tokens/root", "Permission denied"]),
        ("empty", &["cannot read the credential /srv/tokens/empty", "it is empty"]),
        ("lines", &["cannot read the credential /srv/tokens/lines", "it has more than one line"]),
        ("binary", &["cannot read the credential /srv/tokens/binary"]),
        ("wrong", &["refuses access", "it does not accept the token", "not expired"]),
    ] {
        with_token(token);
        fails(&host, token, words);
    }
    host.configure_remote(WEB, "", PAST_GRACE);
    fails(&host, "no token", &["it asks for credentials", "configure a token"]);
    // One that stands in the address, though it should not.
    host.configure_remote(&WEB.replace("localhost", &format!("x:{wrong}@localhost")), "", PAST_GRACE);
    fails(&host, "in the address", &["refuses access"]);

    machine.write(
        "/etc/systemd/system/nixfleet-pull.service.d/credentials.conf",
        "[Service]\nLoadCredential=token:/srv/tokens/root\n",
    );
    machine.succeed(&["systemctl", "daemon-reload"]);
    host.configure_remote(WEB, "", PAST_GRACE);
    host.must("pull");
    host.see("with the token of root", "-GGGG");
    encrypted_for_this_host(&host);
    renewed_while_the_agent_runs(&host);
    nothing_is_told(&machine, &["hunter2", "swordfish2", "tuna3tuna3"]);
}
