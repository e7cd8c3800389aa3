// Which addresses are on the public internet. What programs fetch because a stranger asked them to
// (an actor document, a link preview) must not reach the machine itself or its neighbours: server-
// side request forgery, OWASP. Checked on the address a connection is made to, after resolving, so
// a name that resolves elsewhere the second time gains nothing.
#pragma once

#include <boost/asio/ip/address.hpp>

namespace sx {

// False for every block that the IANA special-purpose registries (RFC 6890 and its successors) do
// not mark as globally reachable, multicast, and IPv6 forms that carry such an IPv4 address
// (mapped, 6to4, NAT64, Teredo).
bool is_public_address(const boost::asio::ip::address& address);

}  // namespace sx
