#!/bin/bash
# A Ray cluster for the time of one Slurm job, and a coding over it:
#
#     sbatch deploy/slurm.sh CORPUS RUN [OPTIONS of pcode annotate]
#     sbatch --nodes=16 deploy/slurm.sh /scratch/open /scratch/run --coder learned:schoen
#
# CORPUS and RUN lie on a disk that all machines see, or under s3:// or gs://; pcode, with the extra [ray], is on the PATH of all of them. A
# machine that is lost takes the job not with it (--no-kill), and a job that is put back, or given again after its time was up, goes on with the
# shards that are not done.
#SBATCH --job-name=pcode
#SBATCH --nodes=8
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --mem-per-cpu=2G
#SBATCH --time=12:00:00
#SBATCH --no-kill
#SBATCH --requeue
#SBATCH --open-mode=append

set -euo pipefail
corpus=${1:?sbatch deploy/slurm.sh CORPUS RUN [OPTIONS]} run=${2:?sbatch deploy/slurm.sh CORPUS RUN [OPTIONS]}
shift 2

mapfile -t machines < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${machines[0]}
ip=$(srun --overlap --nodes=1 --ntasks=1 --nodelist="$head" hostname --ip-address)
ip=${ip%% *}
# Two jobs on one machine need two ports and two folders; Ray's sockets need a short path.
address=$ip:$((20000 + SLURM_JOB_ID % 20000))
# Others may be on these machines: who does not know the word cannot have anything done by this cluster.
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
of_ray=(--num-cpus="$SLURM_CPUS_PER_TASK" --block --disable-usage-stats)
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT

srun --overlap --nodes=1 --ntasks=1 --nodelist="$head" \
  ray start --head --node-ip-address="$ip" --port="${address##*:}" --temp-dir="/tmp/ray-$SLURM_JOB_ID" --include-dashboard=false "${of_ray[@]}" &
for _ in $(seq 60); do
  if timeout 20 ray status --address "$address" >/dev/null 2>&1; then break; fi
  sleep 2
done
others=$((SLURM_JOB_NUM_NODES - 1))
if ((others > 0)); then
  srun --overlap --nodes="$others" --ntasks="$others" --exclude="$head" --kill-on-bad-exit=0 ray start --address="$address" "${of_ray[@]}" &
fi

pcode annotate "$corpus" -o "$run" --engine "ray=$address" --workers $((SLURM_JOB_NUM_NODES * SLURM_CPUS_PER_TASK)) "$@"
