// The members of std::string that the kernel's loops call, made here for speed: those in the C++
// library are made for size, without inlining even size().
#include <string>

template std::string& std::string::append(const char*, std::size_t);
template std::string& std::string::append(std::size_t, char);
template std::string& std::string::assign(const char*, std::size_t);
template void std::string::push_back(char);
template void std::string::reserve(std::size_t);
