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

// libm_more.cpp
double asin(double x);
double acos(double x);
double expm1(double x);
double log1p(double x);
double log2(double x);   // exact at the powers of 2
double log10(double x);  // exact at the powers of 10
double sinh(double x);
double cosh(double x);
double tanh(double x);
double asinh(double x);
double acosh(double x);
double atanh(double x);
double cbrt(double x);  // exact at cubes
double hypot(double x, double y);

}  // namespace sx::libm
