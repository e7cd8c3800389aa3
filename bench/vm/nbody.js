// floats in objects: the sun and four planets, four hundred thousand steps
const bodies = [
  { x: 0.0, y: 0.0, z: 0.0, vx: 0.0, vy: 0.0, vz: 0.0, mass: 39.47841760435743 },
  { x: 4.84143144246472090, y: -1.16032004402742839, z: -0.103622044471123109, vx: 0.606326392995832, vy: 2.81198684491626, vz: -0.02521836165988763, mass: 0.03769367487038949 },
  { x: 8.34336671824457987, y: 4.12479856412430479, z: -0.403523417114321381, vx: -1.0107743461787924, vy: 1.8256623712304119, vz: 0.008415761376584154, mass: 0.011286326131968767 },
  { x: 12.8943695621391310, y: -15.1111514016986312, z: -0.223307578892655734, vx: 1.0827910064415354, vy: 0.8687130181696082, vz: -0.010832637401363636, mass: 0.0017237240570597112 },
  { x: 15.3796971148509165, y: -25.9193146099879641, z: 0.179258772950371181, vx: 0.979090732243898, vy: 0.5946989986476762, vz: -0.034755955504078104, mass: 0.0020336868699246304 },
];
function pull(a, b, dt) {
  const dx = a.x - b.x;
  const dy = a.y - b.y;
  const dz = a.z - b.z;
  const square = dx * dx + dy * dy + dz * dz;
  const mag = dt / (square * Math.sqrt(square));
  const ma = a.mass * mag;
  const mb = b.mass * mag;
  a.vx += -(dx * mb);
  a.vy += -(dy * mb);
  a.vz += -(dz * mb);
  b.vx += dx * ma;
  b.vy += dy * ma;
  b.vz += dz * ma;
}
function advance(all, dt) {
  for (let i = 0; i < all.length; i++) {
    for (let j = i + 1; j < all.length; j++) pull(all[i], all[j], dt);
  }
  for (const b of all) {
    b.x += dt * b.vx;
    b.y += dt * b.vy;
    b.z += dt * b.vz;
  }
}
for (let n = 0; n < 400000; n++) advance(bodies, 0.01);
for (const b of bodies) console.log(`${(b.x * 1e9).toFixed(0)} ${(b.vy * 1e9).toFixed(0)}`);
