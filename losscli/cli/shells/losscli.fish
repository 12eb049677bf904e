# Completion of losscli in fish. It belongs into ~/.config/fish/completions/losscli.fish
function __losscli_complete # fish tells nothing of the words after the cursor
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l program $before[1]
    set -e before[1]
    string match -q '~/*' -- $program; and set program (string replace '~' $HOME -- $program)
    type -q -- $program; or set program losscli
    for row in (env _LOSSCLI_COMPLETE=fish_complete $program (count $before) $before $current 2>/dev/null </dev/null)
        set -l cells (string split \t -- $row)
        if test $cells[1] = file
            # as fish completes files after a command that it knows nothing of; a tilde stays one
            set -l path (string escape --no-quoted -- $cells[3] | string replace -r '^\\\\~' '~')
            for name in (complete -C "'' $path")
                printf '%s\n' $cells[2]$name
            end
        else
            printf '%s\t%s\n' $cells[3] $cells[5]
        end
    end
end
complete --command losscli --no-files --keep-order --arguments '(__losscli_complete)'
