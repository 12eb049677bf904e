# Completion of losscli in bash. ~/.bashrc loads it by: eval "$(losscli completion bash)"
_losscli_completion() {
    local program=$1 before=${COMP_LINE:0:COMP_POINT} after=${COMP_LINE:COMP_POINT} kind kept value name i
    COMPREPLY=()
    if [[ -z $COMP_LINE ]]; then # called by a program that sets the words only
        for ((i = 0; i <= COMP_CWORD; i++)); do
            [[ $before && ! ${COMP_WORDS[i]} =~ ^[:=]+$ && ! $before =~ [:=]$ ]] && before+=' '
            before+=${COMP_WORDS[i]}
        done
        after=${COMP_WORDS[*]:COMP_CWORD + 1}
    fi
    [[ $program == '~/'* ]] && program=$HOME/${program#'~/'}
    type -P -- "$program" >/dev/null || program=losscli
    while IFS='|' read -r kind kept value; do
        case $kind in
            file)
                while IFS= read -r name; do
                    COMPREPLY+=("$kept$name")
                done < <(compgen -f -- "$value" 2>/dev/null)
                ((${#COMPREPLY[@]})) && compopt -o filenames 2>/dev/null
                ;;
            unquoted) # after characters that the option "filenames" would quote, such as @
                while IFS= read -r name; do
                    printf -v value %q "$name"
                    [[ -d $name ]] && value+=/ && compopt -o nospace 2>/dev/null
                    COMPREPLY+=("$kept$value")
                done < <(compgen -f -- "$value" 2>/dev/null)
                ;;
            open | list)
                COMPREPLY+=("$value")
                compopt -o nospace 2>/dev/null
                ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(_LOSSCLI_COMPLETE=bash_complete "$program" "$before" "$after" "$COMP_WORDBREAKS" 2>/dev/null </dev/null)
}
complete -o nosort -F _losscli_completion losscli 2>/dev/null || complete -F _losscli_completion losscli
