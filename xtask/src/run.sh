#!/usr/bin/env bash
# Checks and measures the library on this machine, without Rust or network.
#   ./run.sh [RESULTS [STEP...]]     steps: machine devices verify tests bench sealed benches peers; unless given: all
# Everything that is printed goes to files below RESULTS (unless given: results), and one line per
# step to RESULTS/summary.txt. Exit status 1 where a step failed.
#   STEP_SECONDS   time limit of one test or benchmark program (600)
#   BENCH_ARGS     what `softmax bench` gets besides, such as "--device nvidia --kernel all"
#   PYTHON         a Python with numpy and torch, for the step peers (python3)
#   PEERS_ARGS     what that step gets instead of "--threads 0 --elements 67108864": the GPU alone,
#                  256 MiB
#   VK_DRIVER_FILES   the driver's description, where the loader does not find it
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
results=${1:-$here/results}
[ $# -gt 0 ] && shift
steps=${*:-machine devices verify tests bench sealed benches peers}
limit=${STEP_SECONDS:-600}
mkdir -p "$results"
results=$(cd "$results" && pwd)
: >"$results/summary.txt"
failed=0

# Where tests look for files and for the command.
export CARGO_MANIFEST_DIR=$here/data SOFTMAX_DATA=$here/data SOFTMAX_BIN=$here/softmax
export CARGO_BIN_EXE_softmax=$here/softmax
export RUST_BACKTRACE=1
# Some containers carry NVIDIA's driver in a folder that the loader does not search.
if [ -z "${VK_DRIVER_FILES:-}" ] && ! ls /usr/share/vulkan/icd.d/nvidia* /etc/vulkan/icd.d/nvidia* >/dev/null 2>&1; then
  for file in /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json /usr/share/nvidia/vulkan/icd.d/nvidia_icd.json; do
    [ -f "$file" ] && export VK_DRIVER_FILES=$file
  done
fi

# step NAME COMMAND...: runs it, keeps what it prints, notes how it ended. JSON is kept apart from what drivers say.
step() {
  local name=$1 begin=$SECONDS status
  shift
  case " $* " in
    *" --json "*) timeout "$limit" "$@" >"$results/$name.json" 2>"$results/$name.txt" ;;
    *) timeout "$limit" "$@" >"$results/$name.txt" 2>&1 ;;
  esac
  status=$?
  printf '%-40s exit %3d  %4d s\n' "$name" "$status" $((SECONDS - begin)) | tee -a "$results/summary.txt"
  if [ "$status" -ne 0 ]; then
    failed=1
    tail -n 15 "$results/$name.txt" | sed 's/^/    /'
  fi
}

machine() {
  uname -srm
  ldd --version 2>&1 | head -n 1
  grep -m 1 'model name' /proc/cpuinfo
  nproc
  ldconfig -p 2>/dev/null | grep -E 'libvulkan\.so\.1|libEGL\.so' || echo 'no Vulkan loader: install libvulkan1'
  echo "VK_DRIVER_FILES=${VK_DRIVER_FILES:-}"
  ls /usr/share/vulkan/icd.d /etc/vulkan/icd.d 2>/dev/null
  nvidia-smi 2>/dev/null
  return 0
}

# Ours beside torch and Triton on the same card, where there is a Python that has them.
peers() {
  local python=${PYTHON:-python3} lacks
  if ! lacks=$("$python" -c 'import numpy, torch' 2>&1); then
    echo "peers: skipped, $python has no numpy and torch: ${lacks##*$'\n'}" | tee -a "$results/summary.txt"
    return
  fi
  # Unquoted: several arguments.
  step peers "$here/softmax-compare" --scripts "$here/peers" --python "$python" --out "$results/peers" \
    --because "rust: the bundle leaves burn and candle out" ${PEERS_ARGS:---threads 0 --elements 67108864}
}

programs() {
  local kind=$1 program
  shift
  cd "$here/data" || exit 1
  for program in "$here/$kind"/*; do
    [ -x "$program" ] && step "$kind-$(basename "$program")" "$program" "$@"
  done
}

for name in $steps; do
  case $name in
    # timeout(1) cannot run a function, so this one goes to its file directly.
    machine) machine >"$results/machine.txt" 2>&1 ;;
    devices) step devices "$here/softmax" devices ;;
    verify) step verify "$here/softmax" verify ;;
    tests) programs tests ;;
    bench)
      # Unquoted: several arguments.
      step bench "$here/softmax" bench --json --csv "$results/bench.csv" --html "$results/bench.html" ${BENCH_ARGS:-} ;;
    sealed)
      step sealed "$here/softmax" bench --sealed --precision reproducible --json ${BENCH_ARGS:-} ;;
    benches) programs benches --bench ;;
    peers) peers ;;
    *) echo "no such step: $name" >&2; exit 2 ;;
  esac
done
echo "results: $results"
exit $failed
