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
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "decode" -d 'Capture files, standard input or a live device: calls, ladders, findings, JSON'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "schema" -d 'The JSON Schema of a command\'s output'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "completions" -d 'Shell completions on standard output'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "man" -d 'Manual pages: sipctl(1) on standard output, or all of them into a directory'
complete -c sipctl -n "__fish_sipctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
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
complete -c sipctl -n "__fish_sipctl_using_subcommand schema" -s h -l help -d 'Print help'
complete -c sipctl -n "__fish_sipctl_using_subcommand schema" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand completions" -s h -l help -d 'Print help'
complete -c sipctl -n "__fish_sipctl_using_subcommand completions" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand man" -l out -d 'Directory to write sipctl.1, sipctl-decode.1 … into' -r -F
complete -c sipctl -n "__fish_sipctl_using_subcommand man" -s h -l help -d 'Print help'
complete -c sipctl -n "__fish_sipctl_using_subcommand man" -s V -l version -d 'Print version'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from decode schema completions man help" -f -a "decode" -d 'Capture files, standard input or a live device: calls, ladders, findings, JSON'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from decode schema completions man help" -f -a "schema" -d 'The JSON Schema of a command\'s output'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from decode schema completions man help" -f -a "completions" -d 'Shell completions on standard output'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from decode schema completions man help" -f -a "man" -d 'Manual pages: sipctl(1) on standard output, or all of them into a directory'
complete -c sipctl -n "__fish_sipctl_using_subcommand help; and not __fish_seen_subcommand_from decode schema completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
