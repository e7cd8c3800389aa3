// Elementary functions from one source for both targets: the system's libm and the WebAssembly
// toolchain's differ in last bits, and the two sides must print the same bytes. Error below 1 ulp.
// Compiled with -ffp-contract=off; sqrt, floor and the four operations are exact by IEEE 754.
#pragma once

namespace sx::libm {

double exp(double x);
double log(double x);
double sin(double x);
double cos(double x);
double tan(double x);
double atan(double x);
double atan2(double y, double x);
double pow(double x, double y);

}  // namespace sx::libm
