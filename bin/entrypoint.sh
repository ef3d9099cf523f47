#!/bin/sh
# holdfast-entrypoint COMMAND ARG…: runs `holdfast run`, then becomes COMMAND.
#
# Options come from the configuration and from HOLDFAST_* variables. COMMAND keeps this process id, so that it hears
# the container's signals itself. `holdfast …` as COMMAND is run as it is; HOLDFAST_PREFLIGHT=off leaves the
# preflight out. HOLDFAST names the program where it is in no usual place.
set -u

locate() {
  if [ -n "${HOLDFAST-}" ]; then
    echo "$HOLDFAST"
    return
  fi
  command -v holdfast && return
  for file in "${0%/*}/holdfast" /usr/local/bin/holdfast node_modules/.bin/holdfast; do
    if [ -x "$file" ]; then
      echo "$file"
      return
    fi
  done
  echo 'holdfast-entrypoint: holdfast is not on PATH, in /usr/local/bin or in node_modules/.bin; set HOLDFAST to its path' >&2
  return 1
}

fail() {
  echo "holdfast-entrypoint: $2" >&2
  exit "$1"
}

is_program() {
  [ -f "$1" ] && [ -x "$1" ]
}

# Ends here unless `exec` can find COMMAND: what is built into the shell is nothing that it could become.
check_command() {
  case $1 in
    */*)
      is_program "$1" && return
      [ ! -d "$1" ] || fail 126 "$1: a folder, and no program"
      [ ! -e "$1" ] || fail 126 "$1: not executable; run chmod +x $1"
      fail 127 "$1: no such file; COMMAND is what follows ENTRYPOINT, like: node server.js"
      ;;
  esac
  path=${PATH-/usr/local/bin:/usr/bin:/bin}:
  there=
  while [ -n "$path" ]; do
    folder=${path%%:*}
    path=${path#*:}
    file=${folder:-.}/$1
    is_program "$file" && return
    [ ! -f "$file" ] || there=$file
  done
  [ -z "$there" ] || fail 126 "$there: not executable; run chmod +x $there"
  fail 127 "$1: not found on PATH (${PATH-}); COMMAND is what follows ENTRYPOINT, like: node server.js"
}

if [ $# -eq 0 ]; then
  echo 'holdfast-entrypoint: a COMMAND is missing, like: holdfast-entrypoint node server.js' >&2
  exit 64
fi

case $1 in
  holdfast)
    holdfast=$(locate) || exit 127
    shift
    exec "$holdfast" "$@"
    ;;
esac

case ${HOLDFAST_PREFLIGHT-on} in
  on | '') ;;
  off) exec "$@" ;;
  *)
    echo "holdfast-entrypoint: HOLDFAST_PREFLIGHT is neither on nor off" >&2
    exit 64
    ;;
esac

holdfast=$(locate) || exit 127
check_command "$1"

# Process 1 hears only the signals that it has a trap for.
child= came=
for name in TERM INT HUP QUIT; do
  # shellcheck disable=SC2064 # The name is meant to be put in now.
  trap "came=$name; [ -z \"\$child\" ] || kill -s $name \"\$child\" 2>/dev/null" "$name"
done

"$holdfast" run &
child=$!
# One that came between the traps and the start.
[ -z "$came" ] || kill -s "$came" "$child" 2>/dev/null
ended=$came came=
wait "$child"
status=$?
# A signal ends `wait`, not what is waited for; 127 means that it had ended already.
while [ -n "$came" ]; do
  ended=$came came=
  wait "$child"
  again=$?
  [ "$again" -eq 127 ] || status=$again
done
[ "$status" -eq 0 ] || exit "$status"
child=

case ${came:-$ended} in
  '') exec "$@" ;;
  HUP) exit 129 ;;
  INT) exit 130 ;;
  QUIT) exit 131 ;;
  *) exit 143 ;;
esac
