/**
 * What the watchdog of reaper.ts runs: POSIX sh without tools beyond sleep, rm and grep on Linux, and ps and pgrep elsewhere.
 * Arguments: the platform as Node names it, the name of the owner record.
 * `held` and `known` are lists of lines.
 * held:  "tree PID START", "postgres PID START", "mark NAME=VALUE", "container NAME ENGINE", "dir PATH", as received
 * known: "PID START" of every process to end; grows as descendants are found
 */
export const REAPER_SCRIPT = `
unset HOLDFAST_REAPER
trap '' HUP INT QUIT TERM PIPE
platform=$1 record=$2 held= known=
NL='
'
set -f; IFS=$NL

# Sets start to the start time of process $1, empty when it is gone, and parent on Linux.
born() {
  start= parent=
  if [ "$platform" = linux ]; then
    stat=
    { read -r stat < "/proc/$1/stat"; } 2>/dev/null || return 0
    IFS=' '; set -- \${stat##*) }; IFS=$NL
    case $1 in Z | X) ;; *) parent=$2 start=\${20} ;; esac
  else
    start=$(LC_ALL=C ps -o lstart= -p "$1" 2>/dev/null)
    IFS=' '; set -- $start; start="$*"; IFS=$NL
  fi
}

# True while process "PID START" is the one that was registered.
lives() { born "\${1%% *}"; [ -n "$start" ] && [ "$start" = "\${1#* }" ]; }

learn() {
  [ "\${1%% *}" != $$ ] || return 0
  case $NL$known in *"$NL$1$NL"*) return 0 ;; esac
  known=$known$1$NL grown=1
}

# Learns every process whose environment has $1: what holdfast had not registered yet when it died.
marked() {
  [ "$platform" = linux ] || return 0
  set +f
  for file in $(grep -lF -- "$1" /proc/[0-9]*/environ 2>/dev/null); do
    kid=\${file#/proc/} kid=\${kid%%/*}
    born "$kid"
    [ -z "$start" ] || learn "$kid $start"
  done
  set -f
}

# Learns the children of process $1.
children() {
  of=$1 kids=
  if [ "$platform" = linux ]; then
    set +f
    for file in "/proc/$of/task/"*/children; do
      more=
      { read -r more < "$file"; } 2>/dev/null
      kids="$kids $more"
    done
    set -f
  else
    kids=$(pgrep -P "$of" 2>/dev/null | tr '\\n' ' ')
  fi
  IFS=' '; set -- $kids; IFS=$NL
  for kid in "$@"; do
    born "$kid"
    [ -z "$start" ] || [ "\${parent:-$of}" != "$of" ] || learn "$kid $start"
  done
}

# Learns descendants until there are no new ones; sends $1, if given, to each process in passing.
grow() {
  grown=1
  while [ -n "$grown" ]; do
    grown=
    for one in $known; do
      lives "$one" || continue
      [ -z "$1" ] || kill -s "$1" "\${one%% *}" 2>/dev/null
      children "\${one%% *}"
    done
  done
}

send() { for one in $known; do ! lives "$one" || kill -s "$1" "\${one%% *}" 2>/dev/null; done; }

# Waits until none lives, a second at most.
settle() {
  turn=0
  while [ $turn -lt 20 ]; do
    some=
    grow ''
    for one in $known; do ! lives "$one" || { some=1; break; }; done
    [ -n "$some" ] || return 0
    turn=$((turn + 1))
    sleep 0.05 2>/dev/null || { sleep 1; turn=20; }
  done
  return 1
}

# Has engine $1 remove container $2; an engine that hangs is killed after 10 s.
remove() {
  "$1" rm --force --volumes "$2" </dev/null &
  turn=0
  while [ $turn -lt 100 ] && kill -0 $! 2>/dev/null; do
    turn=$((turn + 1))
    sleep 0.1 2>/dev/null || { sleep 1; turn=$((turn + 9)); }
  done
  kill -s KILL $! 2>/dev/null
}

while IFS= read -r line; do
  case $line in
    'free '*)
      kept=
      for one in $held; do [ "$one" = "\${line#free }" ] || kept=$kept$one$NL; done
      held=$kept ;;
    *) held=$held$line$NL ;;
  esac
done

for one in $held; do
  case $one in
    'tree '*) ! lives "\${one#* }" || learn "\${one#* }" ;;
    'mark '*) marked "\${one#* }" ;;
  esac
done
grow ''
send TERM
send CONT # a stopped process would not see it
for one in $held; do
  case $one in 'postgres '*)
    one=\${one#* }
    if lives "$one"; then kill -s QUIT "\${one%% *}"; learn "$one"; fi ;;
  esac
done
# A stopped process cannot fork: once all are stopped and no new one is found, none escapes.
settle || { grow STOP; send KILL; settle; }

for one in $held; do
  case $one in 'container '*)
    one=\${one#* }
    case $one in holdfast-*) remove "\${one#* }" "\${one%% *}" & ;; esac ;;
  esac
done
wait

for one in $held; do
  case $one in 'dir '*)
    dir=\${one#* }
    case \${dir##*/} in holdfast-*) [ -L "$dir" ] || [ ! -f "$dir/$record" ] || rm -rf -- "$dir" ;; esac ;;
  esac
done
`
