"""tmp."""
from beltline.simulate.luggage.suitcases import hard_suitcase, soft_suitcase
from beltline.simulate.luggage.backpacks import backpack
from beltline.simulate.luggage.handbags import handbag, plastic_bag
from beltline.simulate.luggage.cases import briefcase, duffel
from beltline.simulate.luggage.boxes import parcel, tray
KINDS = {f.__name__: f for f in (hard_suitcase, soft_suitcase,backpack,handbag,plastic_bag,briefcase,duffel,parcel,tray)}
