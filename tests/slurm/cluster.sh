#!/usr/bin/env bash
# A Slurm cluster of virtual nodes on this machine, private to a folder: nothing under /etc is read or written, no
# service manager, control groups or database are needed, any user may run it, several live side by side.
#   cluster.sh up ROOT NODES OWNER    starts node1..nodeN of one CPU each; torn down when process OWNER is gone
#   cluster.sh kill ROOT NODE         kills the daemon of a node with SIGKILL; its jobs live on
#   cluster.sh start ROOT NODE        starts it again
#   cluster.sh down ROOT              stops every process of the cluster, jobs included
# Commands of Slurm find it by SLURM_CONF=ROOT/slurm.conf.
set -euo pipefail
say() { printf 'cluster: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
[ $# -ge 2 ] || fail "usage: cluster.sh up ROOT NODES OWNER | kill ROOT NODE | start ROOT NODE | down ROOT"
verb=$1
mkdir -p "$2"
root=$(realpath "$2")
export SLURM_CONF=$root/slurm.conf
PATH=$PATH:/usr/sbin:/sbin

is_alive() { kill -0 "$1" 2>/dev/null; }

# Processes that were started within the cluster: daemons, step daemons, jobs and their children.
members() {
  local environ pid
  for environ in /proc/[0-9]*/environ; do
    pid=${environ#/proc/}
    pid=${pid%/environ}
    [ "$pid" != $$ ] && [ "$pid" != $PPID ] && grep -qzxF "SLURM_CONF=$SLURM_CONF" "$environ" 2>/dev/null && echo "$pid"
  done
  return 0
}

# Waits until none of the processes is alive, for so many tenths of a second.
wait_for_end() {
  local tenths=$1 pid alive
  shift
  while [ "$tenths" -gt 0 ]; do
    alive=0
    for pid in "$@"; do ! is_alive "$pid" || alive=1; done
    [ $alive = 1 ] || return 0
    sleep 0.1
    tenths=$((tenths - 1))
  done
}

down() {
  local pids=() file pid munged=
  for file in "$root"/slurmctld.pid "$root"/slurmd.*.pid; do [ ! -s "$file" ] || pids+=("$(cat "$file")"); done
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in $(members); do kill -KILL "$pid" 2>/dev/null || true; done
  [ ${#pids[@]} = 0 ] || wait_for_end 50 "${pids[@]}"
  for pid in $(members); do kill -KILL "$pid" 2>/dev/null || true; done
  [ ! -s "$root/munge/munged.pid" ] || munged=$(cat "$root/munge/munged.pid")
  [ -z "$munged" ] || { kill -TERM "$munged" 2>/dev/null || true; wait_for_end 20 "$munged"; }
  if [ -s "$root/watch.pid" ]; then
    pid=$(cat "$root/watch.pid")
    [ "$pid" = $$ ] || kill -TERM "$pid" 2>/dev/null || true
  fi
  rm -f "$root"/*.pid
}

# A port from which so many are free, below those the system hands out.
free_ports() {
  local base port
  for _ in $(seq 50); do
    base=$((10000 + RANDOM % 20000))
    for port in $(seq "$base" $((base + $1))); do
      ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || continue 2
    done
    echo "$base"
    return
  done
  fail "found no $1 free ports"
}

write_conf() {
  local nodes=$1 base=$2 host
  host=$(uname -n)
  host=${host%%.*}
  cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$base
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
SlurmdParameters=config_overrides
AuthType=auth/munge
AuthInfo=socket=$root/munge/socket,cred_expire=5
CredType=cred/munge
CommunicationParameters=NoAddrCache
StateSaveLocation=$root/state
SlurmdSpoolDir=$root/spool.%n
SlurmctldPidFile=$root/slurmctld.pid
SlurmdPidFile=$root/slurmd.%n.pid
SlurmctldLogFile=$root/log/slurmctld.log
SlurmdLogFile=$root/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SwitchType=switch/none
MailProg=/bin/true
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=${CLUSTER_SLURMD_TIMEOUT:-10}
TCPTimeout=2
MessageTimeout=10
KillWait=2
MinJobAge=3600
InactiveLimit=0
Waittime=0
MaxArraySize=1001
JobRequeue=1
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,sched_min_interval=0,batch_sched_delay=0,bf_interval=5
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
NodeName=node[1-$nodes] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((base + 1))-$((base + nodes))] CPUs=1 RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
CONF
}

# munged refuses to run as root without a word of force, and to trust folders that others may write.
start_munged() {
  local as=()
  mkdir -p "$root/munge"
  (umask 077 && head -c 1024 /dev/urandom >"$root/munge/key")
  if [ "$(id -u)" = 0 ]; then
    chown -R munge:munge "$root/munge"
    as=(setpriv --reuid=munge --regid=munge --clear-groups)
  fi
  chmod 755 "$root" "$root/munge"
  (cd / && env -u SLURM_CONF "${as[@]}" munged --key-file="$root/munge/key" --socket="$root/munge/socket" \
    --pid-file="$root/munge/munged.pid" --seed-file="$root/munge/seed" --log-file="$root/munge/log" --num-threads=2)
}

# Tears the cluster down when its owner is gone, however it went.
watch_owner() {
  # shellcheck disable=SC2016
  env -u SLURM_CONF setsid bash -c 'echo $$ >"$2/watch.pid"; while kill -0 "$3" 2>/dev/null; do sleep 0.5; done; exec "$1" down "$2"' \
    watch "$(realpath "$0")" "$root" "$1" </dev/null >/dev/null 2>&1 &
}

up() {
  local nodes=$1 owner=$2 program base idle
  for program in munged slurmctld slurmd sbatch squeue scontrol sinfo setpriv; do
    command -v "$program" >/dev/null || fail "found no $program; third_party/install.sh --slurm installs it"
  done
  [ ! -e "$SLURM_CONF" ] || fail "there is a cluster in $root already"
  watch_owner "$owner"
  trap 'code=$?; [ $code = 0 ] || down' EXIT
  mkdir -p "$root"/{state,log}
  start_munged
  base=$(free_ports "$nodes")
  write_conf "$nodes" "$base"
  slurmctld -c -i
  for node in $(seq "$nodes"); do
    mkdir -p "$root/spool.node$node"
    slurmd -N "node$node"
  done
  for _ in $(seq 100); do
    idle=$(sinfo --noheader --states=idle --format=%D 2>/dev/null || true)
    [ "${idle:-0}" != "$nodes" ] || return 0
    sleep 0.1
  done
  say "only ${idle:-0} of $nodes nodes are idle after 10 s; the last words of their logs:"
  tail -n 5 "$root"/log/*.log "$root/munge/log" >&2 || true
  return 1
}

case $verb in
  up) up "${3:?number of nodes}" "${4:?process that owns the cluster}" ;;
  kill) kill -KILL "$(cat "$root/slurmd.${3:?node}.pid")" && rm "$root/slurmd.$3.pid" ;;
  start) slurmd -N "${3:?node}" ;;
  down) down ;;
  *) fail "found '$verb'; expected up, kill, start or down" ;;
esac
