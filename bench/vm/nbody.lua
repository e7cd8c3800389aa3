-- floats in tables: the sun and four planets, four hundred thousand steps
local bodies = {
  {x = 0.0, y = 0.0, z = 0.0, vx = 0.0, vy = 0.0, vz = 0.0, mass = 39.47841760435743},
  {x = 4.84143144246472090, y = -1.16032004402742839, z = -0.103622044471123109, vx = 0.606326392995832, vy = 2.81198684491626, vz = -0.02521836165988763, mass = 0.03769367487038949},
  {x = 8.34336671824457987, y = 4.12479856412430479, z = -0.403523417114321381, vx = -1.0107743461787924, vy = 1.8256623712304119, vz = 0.008415761376584154, mass = 0.011286326131968767},
  {x = 12.8943695621391310, y = -15.1111514016986312, z = -0.223307578892655734, vx = 1.0827910064415354, vy = 0.8687130181696082, vz = -0.010832637401363636, mass = 0.0017237240570597112},
  {x = 15.3796971148509165, y = -25.9193146099879641, z = 0.179258772950371181, vx = 0.979090732243898, vy = 0.5946989986476762, vz = -0.034755955504078104, mass = 0.0020336868699246304},
}
local sqrt = math.sqrt
local function pull(a, b, dt)
  local dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
  local square = dx * dx + dy * dy + dz * dz
  local mag = dt / (square * sqrt(square))
  local ma, mb = a.mass * mag, b.mass * mag
  a.vx, a.vy, a.vz = a.vx + -(dx * mb), a.vy + -(dy * mb), a.vz + -(dz * mb)
  b.vx, b.vy, b.vz = b.vx + dx * ma, b.vy + dy * ma, b.vz + dz * ma
end
local function advance(all, dt)
  local n = #all
  for i = 1, n do
    local a = all[i]
    for j = i + 1, n do pull(a, all[j], dt) end
  end
  for i = 1, n do
    local b = all[i]
    b.x, b.y, b.z = b.x + dt * b.vx, b.y + dt * b.vy, b.z + dt * b.vz
  end
end
for _ = 1, 400000 do advance(bodies, 0.01) end
for _, b in ipairs(bodies) do
  print(string.format("%.0f %.0f", b.x * 1e9, b.vy * 1e9))
end
