"""How luggage is built: shells and skins, running gear, fittings, and the bags made of them."""
