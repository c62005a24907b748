// Probe: one addition, subtraction or multiplication per invocation, on operands the compiler does
// not know.

struct Question {
    op: u32,
    a: f32,
    b: f32,
}

@group(0) @binding(0) var<storage, read> questions: array<Question>;
@group(0) @binding(1) var<storage, read_write> answers: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= arrayLength(&questions)) { return; }
    let q = questions[id.x];
    var answer = q.a + q.b;
    if (q.op == 1u) { answer = q.a - q.b; }
    if (q.op == 2u) { answer = q.a * q.b; }
    answers[id.x] = bitcast<u32>(answer);
}
