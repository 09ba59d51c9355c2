"""All wirings in one place; the functions know nothing of them."""

import pyflow_core as pf

from market import buyers, sellers
from market.sellers import onboard as onboard_seller
from market.shared import charge, hold, ship, verify

pf.wire_rpc("sellers.verify", verify)
pf.wire_rpc(name="escrow.hold", func=hold, retries=3)
pf.wire_rpc("escrow.charge")(charge)
wire = pf.wire_rpc
wire("parcels.ship", ship)

pf.wire_workflow("seller-onboarding", onboard_seller, description="Seller sign-up")
pf.wire_workflow("seller-payout", sellers.payout)
pf.wire_workflow(func=buyers.purchase, name="purchase", tags=("buyers",))
pf.wire_workflow("dispute", buyers.Disputes.handle)
pf.wire_workflow("auction")(buyers.auction)
pf.wire_workflow("watchlist", buyers.renamed)
