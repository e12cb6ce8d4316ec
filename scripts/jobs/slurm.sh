# A SLURM of this machine's own, in a folder: `start_slurm FOLDER` and `stop_slurm`. To be sourced by bash, as root.

SLURM_STARTED=()

# Ports that nobody listens at.
free_ports() {
    python3 -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in sockets))'
}

start_slurm() {
    local folder=$1 host ports
    read -ra ports <<<"$(free_ports)"
    host=$(hostname -s)
    mkdir -p "$folder/state" "$folder/spool"
    # munged wants to be the only one who can write there.
    chmod 755 "$folder"
    (umask 077 && dd if=/dev/urandom of="$folder/munge.key" bs=1 count=1024 status=none)
    cat >"$folder/slurm.conf" <<CONF
ClusterName=densenet-bench
SlurmctldHost=$host(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=10
CredType=cred/munge
SlurmUser=root
SlurmctldPort=${ports[0]}
SlurmdPort=${ports[1]}
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
MailProg=/bin/true
MpiDefault=none
MaxArraySize=4
JobRequeue=1
MinJobAge=300
SchedulerParameters=sched_interval=5,bf_interval=5
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
    export SLURM_CONF=$folder/slurm.conf
    munged --foreground --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
        --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munged.seed" \
        >"$folder/munged.out" 2>&1 &
    SLURM_STARTED+=($!)
    for _ in $(seq 100); do [[ -S $folder/munge.socket ]] && break; sleep 0.1; done
    slurmctld -D -f "$SLURM_CONF" >"$folder/slurmctld.out" 2>&1 &
    SLURM_STARTED+=($!)
    slurmd -D -f "$SLURM_CONF" -N "$host" >"$folder/slurmd.out" 2>&1 &
    SLURM_STARTED+=($!)
    for _ in $(seq 300); do
        if sinfo --noheader --format=%t 2>/dev/null | grep -q idle; then
            return 0
        fi
        sleep 0.1
    done
    echo "error: SLURM has not started" >&2
    tail -n 20 "$folder"/*.out "$folder"/*.log >&2
    return 1
}

stop_slurm() {
    local process
    scancel --full --signal=KILL --user=root 2>/dev/null || true
    for process in "${SLURM_STARTED[@]}"; do
        kill "$process" 2>/dev/null || true
    done
    for process in "${SLURM_STARTED[@]}"; do
        wait "$process" 2>/dev/null || true
    done
    SLURM_STARTED=()
}
