# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_sipctl_global_optspecs
    string join \n h/help V/version
end

function __fish_sipctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_sipctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_sipctl_using_subcommand
    set -l cmd (__fish_sipctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c sipctl -n "__fish_sipctl_needs_command" -s h -l help -d 'Print help'
complete -c sipctl -n "__fish_sipctl_needs_command" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "demo" -d 'A whole SIP network on the loopback: registrar, proxy, two phones, a call with audio, and its ladder'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "decode" -d 'Capture files, standard input or a live device: calls, ladders, findings, JSON'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "ping" -d 'OPTIONS ping: reachability, loss, round trips, who answers and what it supports'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "register" -d 'Trial REGISTER: challenge, credentials, bindings, expiry, and the binding taken away again'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "invite" -d 'Trial call: INVITE to BYE with SDP, RTP both ways, and what was heard'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "resolve" -d 'The RFC 3263 plan of a target: NAPTR, SRV, addresses, in the order they would be tried'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "trace" -d 'Max-Forwards traceroute: one line a hop'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "serve" -d 'A test endpoint: user agent server, registrar, redirect server, proxy'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "explain" -d 'What a finding, status code, method, header field, timer, release cause or TLS alert means'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "lint" -d 'Messages in text, logs or captures against the grammar, with carets under the bytes at fault'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "schema" -d 'The JSON Schema of a command\'s output'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "completions" -d 'Shell completions on standard output'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "man" -d 'Manual pages: sipctl(1) on standard output, or all of them into a directory'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c sipctl -n "__fish_sipctl_using_subcommand demo" -s d -l duration -d 'How long the call stands' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand demo" -s w -l write -d 'Save what passed the proxy, and the media, as pcapng' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand demo" -s f -l format -d 'Form of the output' -r -f -a "text\t'For people'
json\t'One document'
ndjson\t'One object a line, as it happens'"
complete -c sipctl -n "__fish_sipctl_using_subcommand demo" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand demo" -l width -d 'Width of ladders and tables (default: that of the terminal, else 120)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand demo" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sipctl -n "__fish_sipctl_using_subcommand demo" -l json -d 'Short for --format json'
complete -c sipctl -n "__fish_sipctl_using_subcommand demo" -l ascii -d 'Draw with ASCII characters only'
complete -c sipctl -n "__fish_sipctl_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sipctl -n "__fish_sipctl_using_subcommand demo" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -s i -l interface -d 'Capture live on DEVICE; any for all of them' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l hep-listen -d 'Receive HEP (Homer encapsulation) on ADDR:PORT, over UDP and TCP' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l duration -d 'Stop after this time (exit 0)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l count -d 'Stop after this many packets' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l user-id -d 'User to become after the device is open, when started as root (default: nobody, unless --write or -o is given)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l rotate-mb -d 'Begin a new --write file after so many megabytes' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l rotate-files -d 'Keep only the last so many --write files' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l filter -d 'Only packets that this BPF expression takes (fragments are always taken)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l port -d 'Only SIP from or to this port (may be repeated)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l keylog -d 'TLS key log (SSLKEYLOGFILE format) that opens TLS 1.0 to 1.3 (may be repeated)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l server-key -d 'Private key of the server (PEM) that opens TLS with RSA key exchange (may be repeated)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l credentials -d 'Passwords (lines user:realm:password or user:realm:HA1, # for remarks) with which refused credentials are computed again to say which input is wrong' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l home-country -d 'Calling code of the country in which calls usually stay (49, 1): many calls elsewhere are told as toll fraud' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l stir-certs -d 'Certificates (PEM or DER) that sign callers\' numbers (STIR), each named like the last part of its x5u' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l stir-ca -d 'Certificates (PEM) that those of --stir-certs have to lead to' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l call -d 'One call in full, by its number or its Call-ID' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l messages -d 'Show the header fields, or the whole message, under each arrow' -r -f -a "headers\t'Its header fields'
full\t'The whole message'"
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l call-id -d 'Only this Call-ID (may be repeated)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l user -d 'Only this user in From or To: alice, alice@example.com or a whole URI (may be repeated)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l ip -d 'Only what passed this address (may be repeated)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l method -d 'Only what holds a request of this method (may be repeated)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l status -d 'Only what holds this status: 486, 4xx (may be repeated)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l state -d 'Only this state: completed, busy, rejected … (may be repeated)' -r -f -a "trying\t''
ringing\t''
answered\t''
completed\t''
busy\t''
cancelled\t''
rejected\t''
redirected\t''
unanswered\t''
unauthorized\t''
failed\t''
registered\t''
removed\t''
queried\t''
refused\t''
challenged\t''"
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l finding -d 'Only what has this finding (may be repeated)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l after -d 'Only what ends at or after this instant (RFC 3339)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l before -d 'Only what starts before this instant (RFC 3339)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -s w -l write -d 'Save the packets of what was selected, media included, as pcapng: as they were captured, secrets and all. A device\'s packets are all saved, as they come' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l fail-on -d 'Exit with 1 when there is a finding this grave or graver' -r -f -a "error\t'Errors'
warning\t'Errors and warnings'
info\t'Any finding'"
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l expect -d 'Exit with 1 unless this holds of the JSON: \'summary.calls_by_state.completed >= 10\' (may be repeated)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -s f -l format -d 'Form of the output' -r -f -a "text\t'For people'
json\t'One document'
ndjson\t'One object a line, as it happens'"
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l width -d 'Width of ladders and tables (default: that of the terminal, else 120)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l list-devices -d 'List the devices that can be captured on'
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l no-join -d 'Keep calls apart that are legs of one, joined across a B2BUA'
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l list -d 'Only the table of calls, registrations and exchanges'
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l summary -d 'Only the overview'
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l all -d 'Also draw registrations and exchanges, and every call however many there are'
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l headers -d 'Add every header field to each message of the JSON'
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l raw -d 'Add the whole message to each message of the JSON'
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l show-secrets -d 'Show passwords, tokens and media keys in header fields and bodies instead of stars (Basic and Bearer credentials, SDES, MIKEY)'
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l json -d 'Short for --format json'
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -l ascii -d 'Draw with ASCII characters only'
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sipctl -n "__fish_sipctl_using_subcommand decode" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l targets -d 'Read further targets from FILE, one a line (# begins a comment); - for standard input' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -s c -l count -d 'How many pings; 0 until interrupted' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -s i -l interval -d 'Time from one ping to the next; 0 sends the next as soon as --parallel allows' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -s W -l wait -d 'Time to wait for each answer (default: --timeout)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l parallel -d 'Most pings under way to one target, and most targets at once' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l method -d 'Method to send instead of OPTIONS' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l max-forwards -d 'Max-Forwards' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l size -d 'Pad each request to this many bytes (credentials come on top)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l expect -d 'Statuses that every answer must have one of: 200, or 2xx,404' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l expect-header -d 'Header field that every answer must have, with these values: \'Allow: INVITE\'; may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l max-loss -d 'Most loss, in percent' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l max-rtt -d 'Longest round trip of all' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l max-p95 -d 'Longest 95th percentile of the round trips' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l transport -d 'Transport to use, whatever the target or the DNS says' -r -f -a "udp\t''
tcp\t''
tls\t''
ws\t''
wss\t''"
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l via -d 'Send everything through this proxy' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l bind -d 'Address (and port) to send from' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l dns -d 'Name server to ask instead of the system\'s' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l timeout -d 'Give up on an answer after this long' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l t1 -d 'T1: first pause before a request is sent again over UDP' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l from -d 'From: an address of record, with or without display name' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l user-agent -d 'User-Agent' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -s H -l header -d 'Header field to add, or to send instead of the usual one; may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l auth-user -d 'User name for challenges (default: the user part of --from or of the AOR)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l password-file -d 'File whose first line is the password' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l tls-ca -d 'Trust these authorities (PEM) instead of the system\'s' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l tls-cert -d 'Our certificate chain (PEM)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l tls-key -d 'The key of our certificate (PEM)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l tls-server-name -d 'Name that the server\'s certificate must have, instead of the target\'s domain' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l keylog -d 'Append TLS secrets to FILE (else to the file that SSLKEYLOGFILE names)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -s w -l write -d 'Save our own traffic as pcapng, which decode and Wireshark read' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l exit-style -d 'Exit code: sipctl\'s own, or 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN as monitoring plugins have it' -r -f -a "sipctl\t'0 good, 1 unexpected, 2 usage, 3 no answer, 4 unreachable, 5 refused, 6 threshold missed, 130 interrupted'
nagios\t'0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN'"
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -s f -l format -d 'Form of the output' -r -f -a "text\t'For people'
json\t'One document'
ndjson\t'One object a line, as it happens'"
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l width -d 'Width of ladders and tables (default: that of the terminal, else 120)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -s q -l quiet -d 'Only the summary'
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -s 4 -l ipv4 -d 'IPv4 only'
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -s 6 -l ipv6 -d 'IPv6 only'
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l password-stdin -d 'Read the password from standard input (else SIPCTL_PASSWORD is used)'
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l tls-insecure -d 'Go on with a certificate that is wrong, and say what is wrong with it'
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -s v -l verbose -d 'Show what is done (*), sent (>) and received (<)'
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l ladder -d 'Draw the ladder and tell the findings, as decode would'
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l show-secrets -d 'Show secrets in output and saved captures'
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l dry-run -d 'Print the messages that would be sent, and send nothing'
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l json -d 'Short for --format json'
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -l ascii -d 'Draw with ASCII characters only'
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sipctl -n "__fish_sipctl_using_subcommand ping" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l expires -d 'How long the binding is to last' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l contact -d 'Contact to register instead of the address that we send from' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l keep -d 'Register, refresh in time for this long, then remove the binding' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l instance -d 'Name of this device: +sip.instance (made up where --reg-id is given without it)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l reg-id -d 'Number of this way to the registrar: reg-id, for SIP outbound' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l algorithm -d 'Answer challenges with this digest algorithm alone' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l users -d 'Try every account of a CSV file: user,password[,auth-user]' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l parallel -d 'How many accounts are tried at a time' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l transport -d 'Transport to use, whatever the target or the DNS says' -r -f -a "udp\t''
tcp\t''
tls\t''
ws\t''
wss\t''"
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l via -d 'Send everything through this proxy' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l bind -d 'Address (and port) to send from' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l dns -d 'Name server to ask instead of the system\'s' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l timeout -d 'Give up on an answer after this long' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l t1 -d 'T1: first pause before a request is sent again over UDP' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l from -d 'From: an address of record, with or without display name' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l user-agent -d 'User-Agent' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -s H -l header -d 'Header field to add, or to send instead of the usual one; may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l auth-user -d 'User name for challenges (default: the user part of --from or of the AOR)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l password-file -d 'File whose first line is the password' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l tls-ca -d 'Trust these authorities (PEM) instead of the system\'s' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l tls-cert -d 'Our certificate chain (PEM)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l tls-key -d 'The key of our certificate (PEM)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l tls-server-name -d 'Name that the server\'s certificate must have, instead of the target\'s domain' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l keylog -d 'Append TLS secrets to FILE (else to the file that SSLKEYLOGFILE names)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -s w -l write -d 'Save our own traffic as pcapng, which decode and Wireshark read' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l exit-style -d 'Exit code: sipctl\'s own, or 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN as monitoring plugins have it' -r -f -a "sipctl\t'0 good, 1 unexpected, 2 usage, 3 no answer, 4 unreachable, 5 refused, 6 threshold missed, 130 interrupted'
nagios\t'0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN'"
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -s f -l format -d 'Form of the output' -r -f -a "text\t'For people'
json\t'One document'
ndjson\t'One object a line, as it happens'"
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l width -d 'Width of ladders and tables (default: that of the terminal, else 120)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l query -d 'List the bindings, change nothing'
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l remove -d 'Remove the binding of --contact'
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l remove-all -d 'Remove every binding, those of other devices too'
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -s 4 -l ipv4 -d 'IPv4 only'
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -s 6 -l ipv6 -d 'IPv6 only'
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l password-stdin -d 'Read the password from standard input (else SIPCTL_PASSWORD is used)'
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l tls-insecure -d 'Go on with a certificate that is wrong, and say what is wrong with it'
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -s v -l verbose -d 'Show what is done (*), sent (>) and received (<)'
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l ladder -d 'Draw the ladder and tell the findings, as decode would'
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l show-secrets -d 'Show secrets in output and saved captures'
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l dry-run -d 'Print the messages that would be sent, and send nothing'
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l json -d 'Short for --format json'
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -l ascii -d 'Draw with ASCII characters only'
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sipctl -n "__fish_sipctl_using_subcommand register" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -s d -l duration -d 'How long the call stands, from its answer' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l ring-timeout -d 'Cancel the call where nobody answers for so long' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l cancel-after -d 'Cancel the call so long after its INVITE' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l hold -d 'Put the other side on hold for so long, in the middle of the call, then resume' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l max-redirects -d 'Redirections to follow' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l session-expires -d 'Ask for a session timer: refreshes, and an end where they stay away' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l dtmf -d 'Digits to send once the call stands: 0-9 * # A-D' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l dtmf-mode -d 'How digits are sent' -r -f -a "rtp\t'As telephone events in RTP'
info\t'One INFO a digit'"
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l play -d 'Play this WAV file, again and again, instead of a marked tone' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l record -d 'Record what is heard to this WAV file' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l codec -d 'Codecs to offer, the preferred one first' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l media-ports -d 'Ports for media, both ends included' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l expect -d 'Statuses that the call must end its set-up with: 486, or 2xx,404' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l expect-audio -d 'Directions in which sound must have passed: receive is judged by what was heard, send by the other side\'s reports or by our own tone come back' -r -f -a "both\t'Both ways'
receive\t'From them to us'
send\t'From us to them'
none\t'Nothing may be heard'"
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l min-mos -d 'Lowest mean opinion score of what comes' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l max-loss -d 'Most loss of what comes, in percent' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l max-setup -d 'Longest time from the INVITE to the answer' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l callee -d 'Address of record of the end that is called (default: TARGET)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l callee-auth-user -d 'Its user name for challenges (default: the user part of its AOR)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l callee-password-file -d 'File whose first line is its password (else SIPCTL_CALLEE_PASSWORD, else the caller\'s)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l transport -d 'Transport to use, whatever the target or the DNS says' -r -f -a "udp\t''
tcp\t''
tls\t''
ws\t''
wss\t''"
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l via -d 'Send everything through this proxy' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l bind -d 'Address (and port) to send from' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l dns -d 'Name server to ask instead of the system\'s' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l timeout -d 'Give up on an answer after this long' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l t1 -d 'T1: first pause before a request is sent again over UDP' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l from -d 'From: an address of record, with or without display name' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l user-agent -d 'User-Agent' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -s H -l header -d 'Header field to add, or to send instead of the usual one; may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l auth-user -d 'User name for challenges (default: the user part of --from or of the AOR)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l password-file -d 'File whose first line is the password' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l tls-ca -d 'Trust these authorities (PEM) instead of the system\'s' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l tls-cert -d 'Our certificate chain (PEM)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l tls-key -d 'The key of our certificate (PEM)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l tls-server-name -d 'Name that the server\'s certificate must have, instead of the target\'s domain' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l keylog -d 'Append TLS secrets to FILE (else to the file that SSLKEYLOGFILE names)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -s w -l write -d 'Save our own traffic as pcapng, which decode and Wireshark read' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l exit-style -d 'Exit code: sipctl\'s own, or 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN as monitoring plugins have it' -r -f -a "sipctl\t'0 good, 1 unexpected, 2 usage, 3 no answer, 4 unreachable, 5 refused, 6 threshold missed, 130 interrupted'
nagios\t'0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN'"
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -s f -l format -d 'Form of the output' -r -f -a "text\t'For people'
json\t'One document'
ndjson\t'One object a line, as it happens'"
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l width -d 'Width of ladders and tables (default: that of the terminal, else 120)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l late-offer -d 'Let the other side make the offer'
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l no-100rel -d 'Do not offer reliable provisional responses (PRACK)'
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l srtp -d 'Protect media (SRTP with SDES), and take nothing else'
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l loop -d 'Be the other end, too: register both, call one from the other, tell what each heard and what was changed on the way'
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -s q -l quiet -d 'Only the verdict'
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -s 4 -l ipv4 -d 'IPv4 only'
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -s 6 -l ipv6 -d 'IPv6 only'
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l password-stdin -d 'Read the password from standard input (else SIPCTL_PASSWORD is used)'
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l tls-insecure -d 'Go on with a certificate that is wrong, and say what is wrong with it'
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -s v -l verbose -d 'Show what is done (*), sent (>) and received (<)'
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l ladder -d 'Draw the ladder and tell the findings, as decode would'
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l show-secrets -d 'Show secrets in output and saved captures'
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l dry-run -d 'Print the messages that would be sent, and send nothing'
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l json -d 'Short for --format json'
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -l ascii -d 'Draw with ASCII characters only'
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sipctl -n "__fish_sipctl_using_subcommand invite" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l transport -d 'Transport to use, whatever the target or the DNS says' -r -f -a "udp\t''
tcp\t''
tls\t''
ws\t''
wss\t''"
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l via -d 'Send everything through this proxy' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l bind -d 'Address (and port) to send from' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l dns -d 'Name server to ask instead of the system\'s' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l timeout -d 'Give up on an answer after this long' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l t1 -d 'T1: first pause before a request is sent again over UDP' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l from -d 'From: an address of record, with or without display name' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l user-agent -d 'User-Agent' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -s H -l header -d 'Header field to add, or to send instead of the usual one; may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l auth-user -d 'User name for challenges (default: the user part of --from or of the AOR)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l password-file -d 'File whose first line is the password' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l tls-ca -d 'Trust these authorities (PEM) instead of the system\'s' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l tls-cert -d 'Our certificate chain (PEM)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l tls-key -d 'The key of our certificate (PEM)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l tls-server-name -d 'Name that the server\'s certificate must have, instead of the target\'s domain' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l keylog -d 'Append TLS secrets to FILE (else to the file that SSLKEYLOGFILE names)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -s w -l write -d 'Save our own traffic as pcapng, which decode and Wireshark read' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l exit-style -d 'Exit code: sipctl\'s own, or 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN as monitoring plugins have it' -r -f -a "sipctl\t'0 good, 1 unexpected, 2 usage, 3 no answer, 4 unreachable, 5 refused, 6 threshold missed, 130 interrupted'
nagios\t'0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN'"
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -s f -l format -d 'Form of the output' -r -f -a "text\t'For people'
json\t'One document'
ndjson\t'One object a line, as it happens'"
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l width -d 'Width of ladders and tables (default: that of the terminal, else 120)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l probe -d 'Send one OPTIONS to each candidate, and say which answer'
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -s 4 -l ipv4 -d 'IPv4 only'
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -s 6 -l ipv6 -d 'IPv6 only'
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l password-stdin -d 'Read the password from standard input (else SIPCTL_PASSWORD is used)'
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l tls-insecure -d 'Go on with a certificate that is wrong, and say what is wrong with it'
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -s v -l verbose -d 'Show what is done (*), sent (>) and received (<)'
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l ladder -d 'Draw the ladder and tell the findings, as decode would'
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l show-secrets -d 'Show secrets in output and saved captures'
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l dry-run -d 'Print the messages that would be sent, and send nothing'
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l json -d 'Short for --format json'
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -l ascii -d 'Draw with ASCII characters only'
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sipctl -n "__fish_sipctl_using_subcommand resolve" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l method -d 'Method of the requests' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l max-hops -d 'Hops to ask at most' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l probes -d 'Requests to send for each hop' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l transport -d 'Transport to use, whatever the target or the DNS says' -r -f -a "udp\t''
tcp\t''
tls\t''
ws\t''
wss\t''"
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l via -d 'Send everything through this proxy' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l bind -d 'Address (and port) to send from' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l dns -d 'Name server to ask instead of the system\'s' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l timeout -d 'Give up on an answer after this long' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l t1 -d 'T1: first pause before a request is sent again over UDP' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l from -d 'From: an address of record, with or without display name' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l user-agent -d 'User-Agent' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -s H -l header -d 'Header field to add, or to send instead of the usual one; may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l auth-user -d 'User name for challenges (default: the user part of --from or of the AOR)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l password-file -d 'File whose first line is the password' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l tls-ca -d 'Trust these authorities (PEM) instead of the system\'s' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l tls-cert -d 'Our certificate chain (PEM)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l tls-key -d 'The key of our certificate (PEM)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l tls-server-name -d 'Name that the server\'s certificate must have, instead of the target\'s domain' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l keylog -d 'Append TLS secrets to FILE (else to the file that SSLKEYLOGFILE names)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -s w -l write -d 'Save our own traffic as pcapng, which decode and Wireshark read' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l exit-style -d 'Exit code: sipctl\'s own, or 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN as monitoring plugins have it' -r -f -a "sipctl\t'0 good, 1 unexpected, 2 usage, 3 no answer, 4 unreachable, 5 refused, 6 threshold missed, 130 interrupted'
nagios\t'0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN'"
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -s f -l format -d 'Form of the output' -r -f -a "text\t'For people'
json\t'One document'
ndjson\t'One object a line, as it happens'"
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l width -d 'Width of ladders and tables (default: that of the terminal, else 120)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -s 4 -l ipv4 -d 'IPv4 only'
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -s 6 -l ipv6 -d 'IPv6 only'
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l password-stdin -d 'Read the password from standard input (else SIPCTL_PASSWORD is used)'
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l tls-insecure -d 'Go on with a certificate that is wrong, and say what is wrong with it'
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -s v -l verbose -d 'Show what is done (*), sent (>) and received (<)'
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l ladder -d 'Draw the ladder and tell the findings, as decode would'
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l show-secrets -d 'Show secrets in output and saved captures'
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l dry-run -d 'Print the messages that would be sent, and send nothing'
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l json -d 'Short for --format json'
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -l ascii -d 'Draw with ASCII characters only'
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sipctl -n "__fish_sipctl_using_subcommand trace" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and not __fish_seen_subcommand_from uas registrar redirect proxy b2bua help" -s h -l help -d 'Print help'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and not __fish_seen_subcommand_from uas registrar redirect proxy b2bua help" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and not __fish_seen_subcommand_from uas registrar redirect proxy b2bua help" -f -a "uas" -d 'User agent server: answers calls, OPTIONS, REGISTER and MESSAGE, rightly or as it is told'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and not __fish_seen_subcommand_from uas registrar redirect proxy b2bua help" -f -a "registrar" -d 'Registrar: challenges, keeps bindings, shows them'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and not __fish_seen_subcommand_from uas registrar redirect proxy b2bua help" -f -a "redirect" -d 'Redirect server: says where users are'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and not __fish_seen_subcommand_from uas registrar redirect proxy b2bua help" -f -a "proxy" -d 'Proxy: forwards to who registered with it, to its next hop, or to where the Request-URI leads'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and not __fish_seen_subcommand_from uas registrar redirect proxy b2bua help" -f -a "b2bua" -d 'Back-to-back user agent: ends the call that comes, and makes one of its own for it; with a media relay, a small SBC'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and not __fish_seen_subcommand_from uas registrar redirect proxy b2bua help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l answer-after -d 'Say nothing but 100 for so long' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l ring -d 'Then ring (180) for so long before the answer' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l first-rseq -d 'First RSeq of each call (default: drawn)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l play -d 'Play this WAV file, again and again, instead of a marked tone' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l record -d 'Record what is heard to this WAV file (calls after the first have their number before the suffix)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l hangup-after -d 'Hang up so long after the answer' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l user -d 'Test account; may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l users -d 'Accounts from a CSV file: user,password' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l realm -d 'Whose passwords are asked for' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l algorithm -d 'Digest algorithm to offer, in this order; may be repeated (default: SHA-256, MD5)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l auth -d 'Ask callers for the password of this user in this realm, which is given by --password-file, --password-stdin or SIPCTL_PASSWORD' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l password-file -d 'File whose first line is the password of --auth' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l status -d 'Answer with this status instead of what is right (an INVITE gets its 2xx only by being answered, and its refusal after --answer-after and --ring)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l reason -d 'Reason phrase of --status (default: the registered one)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l retry-after -d 'Retry-After of --status' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -s H -l header -d 'Header field that answers with --status have; may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l status-after -d 'Answer the first N requests rightly, and those after them with --status' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l method -d 'Answer only this method with --status; may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l delay -d 'Let every answer wait' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l drop -d 'Let so many of a hundred requests fall unanswered, repeats too' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l seed -d 'Repeat the draws of an earlier run' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l listen -d 'Where to listen: udp:127.0.0.1:5060, tls:[::1]:0, 0.0.0.0:5060 or 5060 (both UDP and TCP, on 127.0.0.1); may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l tls-cert -d 'Certificate chain for TLS and WSS (PEM); without it one is made at start' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l tls-key -d 'The key of the certificate (PEM)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l server -d 'Server header field (empty for none)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l duration -d 'Stop after this long' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l count -d 'Stop after so many requests, repeats apart' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -s w -l write -d 'Save the traffic as pcapng, which decode and Wireshark read' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -s f -l format -d 'Form of the output' -r -f -a "text\t'For people'
json\t'One document'
ndjson\t'One object a line, as it happens'"
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l width -d 'Width of ladders and tables (default: that of the terminal, else 120)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l early-media -d 'Let media flow before the answer (183 with a description)'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l reliable -d 'Have provisional responses acknowledged by PRACK where the caller can'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l echo -d 'Send back what is heard, instead of a marked tone'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l srtp -d 'Take calls only where their media is protected (SRTP with SDES)'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l auth-proxy -d 'Ask as a proxy does: 407 instead of 401'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l password-stdin -d 'Read the password of --auth from standard input'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l show-secrets -d 'Show secrets in output and saved captures'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -s v -l verbose -d 'Show each line sent (>) and received (<)'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -s q -l quiet -d 'Show no exchanges, only where it listens and the summary'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l json -d 'Short for --format json'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -l ascii -d 'Draw with ASCII characters only'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from uas" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l user -d 'Test account; may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l users -d 'Accounts from a CSV file: user,password' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l realm -d 'Whose passwords are asked for' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l algorithm -d 'Digest algorithm to offer, in this order; may be repeated (default: SHA-256, MD5)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l qop -d 'Quality of protection to offer; may be repeated' -r -f -a "auth\t'The request line'
auth-int\t'The body, too'
none\t'As RFC 2069, without qop'"
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l stale-after -d 'Call a nonce stale when it was used so often' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l min-expires -d 'Refuse a shorter Expires with 423' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l max-expires -d 'Shorten a longer Expires to this' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l service-route -d 'Service-Route to tell who registers; may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l delay -d 'Let every answer wait' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l drop -d 'Let so many of a hundred requests fall unanswered, repeats too' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l seed -d 'Repeat the draws of an earlier run' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l listen -d 'Where to listen: udp:127.0.0.1:5060, tls:[::1]:0, 0.0.0.0:5060 or 5060 (both UDP and TCP, on 127.0.0.1); may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l tls-cert -d 'Certificate chain for TLS and WSS (PEM); without it one is made at start' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l tls-key -d 'The key of the certificate (PEM)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l server -d 'Server header field (empty for none)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l duration -d 'Stop after this long' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l count -d 'Stop after so many requests, repeats apart' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -s w -l write -d 'Save the traffic as pcapng, which decode and Wireshark read' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -s f -l format -d 'Form of the output' -r -f -a "text\t'For people'
json\t'One document'
ndjson\t'One object a line, as it happens'"
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l width -d 'Width of ladders and tables (default: that of the terminal, else 120)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l show-secrets -d 'Show secrets in output and saved captures'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -s v -l verbose -d 'Show each line sent (>) and received (<)'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -s q -l quiet -d 'Show no exchanges, only where it listens and the summary'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l json -d 'Short for --format json'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -l ascii -d 'Draw with ASCII characters only'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from registrar" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -l map -d 'Where a user is; may be repeated, also for one user' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -l map-file -d 'The same from a file: one a line, # starts a comment' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -l delay -d 'Let every answer wait' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -l drop -d 'Let so many of a hundred requests fall unanswered, repeats too' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -l seed -d 'Repeat the draws of an earlier run' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -l listen -d 'Where to listen: udp:127.0.0.1:5060, tls:[::1]:0, 0.0.0.0:5060 or 5060 (both UDP and TCP, on 127.0.0.1); may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -l tls-cert -d 'Certificate chain for TLS and WSS (PEM); without it one is made at start' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -l tls-key -d 'The key of the certificate (PEM)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -l server -d 'Server header field (empty for none)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -l duration -d 'Stop after this long' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -l count -d 'Stop after so many requests, repeats apart' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -s w -l write -d 'Save the traffic as pcapng, which decode and Wireshark read' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -s f -l format -d 'Form of the output' -r -f -a "text\t'For people'
json\t'One document'
ndjson\t'One object a line, as it happens'"
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -l width -d 'Width of ladders and tables (default: that of the terminal, else 120)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -l show-secrets -d 'Show secrets in output and saved captures'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -s v -l verbose -d 'Show each line sent (>) and received (<)'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -s q -l quiet -d 'Show no exchanges, only where it listens and the summary'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -l json -d 'Short for --format json'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -l ascii -d 'Draw with ASCII characters only'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from redirect" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l user -d 'Test account; may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l users -d 'Accounts from a CSV file: user,password' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l realm -d 'Whose passwords are asked for' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l algorithm -d 'Digest algorithm to offer, in this order; may be repeated (default: SHA-256, MD5)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l domain -d 'A domain whose users register here; may be repeated (without it: whatever domain they register with)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l next-hop -d 'Where requests go that are for nobody here (default: where their Request-URI leads)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l t1 -d 'T1, the estimate of the round trip' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l dns -d 'DNS server to ask instead of the system\'s' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l tls-ca -d 'Trust anchors for next hops over TLS (PEM) instead of the system\'s' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l listen -d 'Where to listen: udp:127.0.0.1:5060, tls:[::1]:0, 0.0.0.0:5060 or 5060 (both UDP and TCP, on 127.0.0.1); may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l tls-cert -d 'Certificate chain for TLS and WSS (PEM); without it one is made at start' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l tls-key -d 'The key of the certificate (PEM)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l server -d 'Server header field (empty for none)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l duration -d 'Stop after this long' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l count -d 'Stop after so many requests, repeats apart' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -s w -l write -d 'Save the traffic as pcapng, which decode and Wireshark read' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -s f -l format -d 'Form of the output' -r -f -a "text\t'For people'
json\t'One document'
ndjson\t'One object a line, as it happens'"
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l width -d 'Width of ladders and tables (default: that of the terminal, else 120)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l auth -d 'Ask for credentials of who calls, too (407)'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l stateless -d 'Keep no transactions: forward each message by itself'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l no-record-route -d 'Leave the way of a dialog after its first request'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l tls-insecure -d 'Take any certificate of a next hop'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l show-secrets -d 'Show secrets in output and saved captures'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -s v -l verbose -d 'Show each line sent (>) and received (<)'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -s q -l quiet -d 'Show no exchanges, only where it listens and the summary'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l json -d 'Short for --format json'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -l ascii -d 'Draw with ASCII characters only'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from proxy" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l to -d 'Where every call goes: with a user to that one, else to the user that was called (default: where the Request-URI leads, or its user registered)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l user -d 'Test account; may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l users -d 'Accounts from a CSV file: user,password' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l realm -d 'Whose passwords are asked for' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l algorithm -d 'Digest algorithm to offer, in this order; may be repeated (default: SHA-256, MD5)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l domain -d 'A domain whose users register here; may be repeated (without it: whatever domain they register with)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l t1 -d 'T1, the estimate of the round trip' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l dns -d 'DNS server to ask instead of the system\'s' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l tls-ca -d 'Trust anchors for next hops over TLS (PEM) instead of the system\'s' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l listen -d 'Where to listen: udp:127.0.0.1:5060, tls:[::1]:0, 0.0.0.0:5060 or 5060 (both UDP and TCP, on 127.0.0.1); may be repeated' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l tls-cert -d 'Certificate chain for TLS and WSS (PEM); without it one is made at start' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l tls-key -d 'The key of the certificate (PEM)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l server -d 'Server header field (empty for none)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l duration -d 'Stop after this long' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l count -d 'Stop after so many requests, repeats apart' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -s w -l write -d 'Save the traffic as pcapng, which decode and Wireshark read' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -s f -l format -d 'Form of the output' -r -f -a "text\t'For people'
json\t'One document'
ndjson\t'One object a line, as it happens'"
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l width -d 'Width of ladders and tables (default: that of the terminal, else 120)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l relay-media -d 'Let media pass through ports of its own'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l hide-topology -d 'Show nothing of one leg on the other: no addresses (media is relayed, too), no names of software, no unknown header fields'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l follow-redirects -d 'Follow redirections instead of passing them on'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l tls-insecure -d 'Take any certificate of a next hop'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l show-secrets -d 'Show secrets in output and saved captures'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -s v -l verbose -d 'Show each line sent (>) and received (<)'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -s q -l quiet -d 'Show no exchanges, only where it listens and the summary'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l json -d 'Short for --format json'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -l ascii -d 'Draw with ASCII characters only'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from b2bua" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from help" -f -a "uas" -d 'User agent server: answers calls, OPTIONS, REGISTER and MESSAGE, rightly or as it is told'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from help" -f -a "registrar" -d 'Registrar: challenges, keeps bindings, shows them'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from help" -f -a "redirect" -d 'Redirect server: says where users are'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from help" -f -a "proxy" -d 'Proxy: forwards to who registered with it, to its next hop, or to where the Request-URI leads'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from help" -f -a "b2bua" -d 'Back-to-back user agent: ends the call that comes, and makes one of its own for it; with a media relay, a small SBC'
complete -c sipctl -n "__fish_sipctl_using_subcommand serve; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c sipctl -n "__fish_sipctl_using_subcommand explain" -s f -l format -d 'Form of the output' -r -f -a "text\t'For people'
json\t'One document'
ndjson\t'One object a line, as it happens'"
complete -c sipctl -n "__fish_sipctl_using_subcommand explain" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand explain" -l width -d 'Width of ladders and tables (default: that of the terminal, else 120)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand explain" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sipctl -n "__fish_sipctl_using_subcommand explain" -l list -d 'List everything that can be explained'
complete -c sipctl -n "__fish_sipctl_using_subcommand explain" -l json -d 'Short for --format json'
complete -c sipctl -n "__fish_sipctl_using_subcommand explain" -l ascii -d 'Draw with ASCII characters only'
complete -c sipctl -n "__fish_sipctl_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sipctl -n "__fish_sipctl_using_subcommand explain" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand lint" -l fail-on -d 'Exit with 1 from this severity on' -r -f -a "error\t'Errors'
warning\t'Errors and warnings'
info\t'Any finding'"
complete -c sipctl -n "__fish_sipctl_using_subcommand lint" -l keylog -d 'TLS key log (SSLKEYLOGFILE format) that opens TLS in captures (may be repeated)' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand lint" -s f -l format -d 'Form of the output' -r -f -a "text\t'For people'
json\t'One document'
ndjson\t'One object a line, as it happens'"
complete -c sipctl -n "__fish_sipctl_using_subcommand lint" -s o -l output -d 'Write to FILE instead of standard output' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand lint" -l width -d 'Width of ladders and tables (default: that of the terminal, else 120)' -r
complete -c sipctl -n "__fish_sipctl_using_subcommand lint" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c sipctl -n "__fish_sipctl_using_subcommand lint" -l json -d 'Short for --format json'
complete -c sipctl -n "__fish_sipctl_using_subcommand lint" -l ascii -d 'Draw with ASCII characters only'
complete -c sipctl -n "__fish_sipctl_using_subcommand lint" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c sipctl -n "__fish_sipctl_using_subcommand lint" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand schema" -s h -l help -d 'Print help'
complete -c sipctl -n "__fish_sipctl_using_subcommand schema" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand completions" -s h -l help -d 'Print help'
complete -c sipctl -n "__fish_sipctl_using_subcommand completions" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand man" -l out -d 'Directory to write sipctl.1, sipctl-decode.1 … into' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand man" -s h -l help -d 'Print help'
complete -c sipctl -n "__fish_sipctl_using_subcommand man" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from demo decode ping register invite resolve trace serve explain lint schema completions man help" -f -a "demo" -d 'A whole SIP network on the loopback: registrar, proxy, two phones, a call with audio, and its ladder'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from demo decode ping register invite resolve trace serve explain lint schema completions man help" -f -a "decode" -d 'Capture files, standard input or a live device: calls, ladders, findings, JSON'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from demo decode ping register invite resolve trace serve explain lint schema completions man help" -f -a "ping" -d 'OPTIONS ping: reachability, loss, round trips, who answers and what it supports'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from demo decode ping register invite resolve trace serve explain lint schema completions man help" -f -a "register" -d 'Trial REGISTER: challenge, credentials, bindings, expiry, and the binding taken away again'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from demo decode ping register invite resolve trace serve explain lint schema completions man help" -f -a "invite" -d 'Trial call: INVITE to BYE with SDP, RTP both ways, and what was heard'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from demo decode ping register invite resolve trace serve explain lint schema completions man help" -f -a "resolve" -d 'The RFC 3263 plan of a target: NAPTR, SRV, addresses, in the order they would be tried'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from demo decode ping register invite resolve trace serve explain lint schema completions man help" -f -a "trace" -d 'Max-Forwards traceroute: one line a hop'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from demo decode ping register invite resolve trace serve explain lint schema completions man help" -f -a "serve" -d 'A test endpoint: user agent server, registrar, redirect server, proxy'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from demo decode ping register invite resolve trace serve explain lint schema completions man help" -f -a "explain" -d 'What a finding, status code, method, header field, timer, release cause or TLS alert means'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from demo decode ping register invite resolve trace serve explain lint schema completions man help" -f -a "lint" -d 'Messages in text, logs or captures against the grammar, with carets under the bytes at fault'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from demo decode ping register invite resolve trace serve explain lint schema completions man help" -f -a "schema" -d 'The JSON Schema of a command\'s output'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from demo decode ping register invite resolve trace serve explain lint schema completions man help" -f -a "completions" -d 'Shell completions on standard output'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from demo decode ping register invite resolve trace serve explain lint schema completions man help" -f -a "man" -d 'Manual pages: sipctl(1) on standard output, or all of them into a directory'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from demo decode ping register invite resolve trace serve explain lint schema completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and __fish_seen_subcommand_from serve" -f -a "uas" -d 'User agent server: answers calls, OPTIONS, REGISTER and MESSAGE, rightly or as it is told'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and __fish_seen_subcommand_from serve" -f -a "registrar" -d 'Registrar: challenges, keeps bindings, shows them'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and __fish_seen_subcommand_from serve" -f -a "redirect" -d 'Redirect server: says where users are'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and __fish_seen_subcommand_from serve" -f -a "proxy" -d 'Proxy: forwards to who registered with it, to its next hop, or to where the Request-URI leads'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and __fish_seen_subcommand_from serve" -f -a "b2bua" -d 'Back-to-back user agent: ends the call that comes, and makes one of its own for it; with a media relay, a small SBC'
